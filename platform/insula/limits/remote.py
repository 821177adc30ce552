"""The ledger that all processes share, in Redis."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from insula.ids import new_id
from insula.limits.ledger import WINDOW, Grant, Loan
from insula.limits.script import LEND, SERVER_CLOCK

_PREFIX = "insula:limits:"
_BATCH = 100

Answer = tuple[int, int, int, int, bytes]


class Pending(NamedTuple):
    """A loan on its way."""

    loan: Loan
    grant: asyncio.Future[Grant]


class RemoteLedger:
    """One script call per loan; what is asked for at the same time goes in one message.

    ``clock`` is the Lua that sets ``now``; tests put a clock of their own there.
    """

    def __init__(self, redis: Redis, clock: str = SERVER_CLOCK) -> None:
        self._redis = redis
        self._script = clock + LEND
        self._sha = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._queue: list[Pending] = []
        self._sender: asyncio.Task[None] | None = None

    def lend(self, loan: Loan) -> asyncio.Future[Grant]:
        """Lend; raises what the client raises. A loan cancelled before it is sent debits nothing."""
        pending = Pending(loan, asyncio.get_running_loop().create_future())
        self._queue.append(pending)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        return pending.grant

    async def ping(self) -> None:
        """Return when the server answers."""
        await self._redis.ping()

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._sender is not None:
            await self._sender

    async def _send_all(self) -> None:
        try:
            while self._queue:
                batch = [pending for pending in self._queue[:_BATCH] if not pending.grant.done()]
                del self._queue[:_BATCH]
                await self._send(batch)
        finally:
            self._sender = None

    async def _send(self, batch: Sequence[Pending]) -> None:
        try:
            answers = await self._call("EVALSHA", self._sha, batch)
            _hand_out(batch, answers)
            unknown = [p for p, answer in zip(batch, answers, strict=True) if isinstance(answer, NoScriptError)]
            _hand_out(unknown, await self._call("EVAL", self._script, unknown) if unknown else [])
        except (RedisError, OSError) as error:
            _hand_out(batch, [error] * len(batch))

    async def _call(self, command: str, script: str, batch: Sequence[Pending]) -> list[Answer | Exception]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for pending in batch:
                pipeline.execute_command(command, script, 1, *_arguments(pending.loan))
            answers: list[Answer | Exception] = await pipeline.execute(raise_on_error=False)
        return answers


def _arguments(loan: Loan) -> tuple[str | int, ...]:
    return (
        _PREFIX + loan.key,
        WINDOW,
        loan.limit,
        loan.need,
        loan.wish,
        loan.seconds,
        new_id().hex,
        *loan.settles,
        loan.unit,
    )


def _hand_out(batch: Sequence[Pending], answers: Sequence[Answer | Exception]) -> None:
    for pending, answer in zip(batch, answers, strict=True):
        if pending.grant.done() or isinstance(answer, NoScriptError):
            continue
        if isinstance(answer, Exception):
            pending.grant.set_exception(answer)
        else:
            tokens, left, wait, slot, era = answer
            pending.grant.set_result(Grant(tokens, left, wait / 1000, slot, era.decode()))
