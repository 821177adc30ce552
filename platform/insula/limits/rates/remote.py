"""The ledger that all processes share, in Redis."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from insula.limits.client import Pool
from insula.limits.rates.ledger import WINDOW, Debit, Loan, LoanReply
from insula.limits.script import LEND, SERVER_CLOCK, SETTLE

_PREFIX: Final = "insula:rates:"
_PROBE: Final = "insula:probe"
_BATCH: Final = 100
_SETTLEMENTS: Final = 20_000
_CLOSING_SECONDS: Final = 1.0
_OVERTAKING_SECONDS: Final = 0.05
"""The longest time that a loan waits for the answer to the message before it."""
_MESSAGES: Final = 8

Answer = list[int] | int


class Pending(NamedTuple):
    """A loan under way."""

    loan: Loan
    reply: asyncio.Future[LoanReply]


class Script(NamedTuple):
    """A script, and its SHA-1, by which the server knows it after its first run."""

    text: str
    sha: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the script with this text."""
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class Call(NamedTuple):
    """One run of a script on one key."""

    script: Script
    key: str
    arguments: tuple[str | int, ...]


class RemoteLedger:
    """One script call per loan; concurrent calls are sent in one message.

    A loan whose caller has stopped waiting is returned when its answer arrives. If the answer is lost with its
    connection, the loan is settled by its id as soon as the server answers again, whether it was made or not.
    ``clock`` is Lua code that sets ``now``; tests pass a clock of their own.
    """

    def __init__(self, redis: Redis, clock: str = SERVER_CLOCK) -> None:
        self._redis = redis
        self._lend = Script.of(clock + LEND)
        self._settle = Script.of(clock + SETTLE)
        self._queue: list[Pending] = []
        self._settlements: dict[Debit, str] = {}
        self._sender: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._overtaking: asyncio.TimerHandle | None = None

    def lend(self, loan: Loan) -> asyncio.Future[LoanReply]:
        """Lend. Raises the client's errors. A cancelled loan is returned at the latest when its answer arrives."""
        pending = Pending(loan, asyncio.get_running_loop().create_future())
        self._queue.append(pending)
        if self._sender is not None and self._overtaking is None:
            self._overtaking = asyncio.get_running_loop().call_later(_OVERTAKING_SECONDS, self._overtake)
        self._start()
        return pending.reply

    def settle(self, key: str, debit: Debit) -> None:
        """Settle a loan with the next message, or at ``resume``. Bounded: the oldest settlement is dropped."""
        self._settlements[debit] = key
        if len(self._settlements) > _SETTLEMENTS:
            del self._settlements[next(iter(self._settlements))]

    def resume(self) -> None:
        """Send the pending settlements: the server answers."""
        if self._settlements:
            self._start()

    async def probe(self) -> None:
        """Return once the server has accepted a write: a replica or a server with full memory answers a PING too."""
        await self._redis.set(_PROBE, 1, ex=WINDOW)

    async def reconnect(self) -> None:
        """Abandon connections that may be dead: the next message uses a new one."""
        self._sender = None
        if self._queue:
            self._start()
        pool = self._redis.connection_pool
        if isinstance(pool, Pool):
            await pool.drop_idle()

    async def close(self) -> None:
        """Wait briefly for messages under way."""
        if self._overtaking is not None:
            self._overtaking.cancel()
        if self._sending:
            await asyncio.wait(self._sending, timeout=_CLOSING_SECONDS)
        for task in self._sending:
            task.cancel()

    def _start(self) -> None:
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
            self._sending.add(self._sender)
            self._sender.add_done_callback(self._sending.discard)

    def _overtake(self) -> None:
        """Send the queued loans without waiting for the unanswered message."""
        self._overtaking = None
        if self._queue and len(self._sending) < _MESSAGES:
            self._sender = None
            self._start()

    async def _send_all(self) -> None:
        me, answers = asyncio.current_task(), True
        try:
            while self._sender is me and (self._queue or (answers and self._settlements)):
                answers = await self._send()
        finally:
            if self._sender is me:
                self._sender = None
        if answers:
            self.resume()  # settle loans whose answer came after their caller had stopped waiting

    async def _send(self) -> bool:
        """Send one message; return whether it was answered."""
        batch = [pending for pending in self._queue[:_BATCH] if not pending.reply.done()]
        del self._queue[:_BATCH]
        debits = list(self._settlements)[:_BATCH]
        settled = {debit: self._settlements.pop(debit) for debit in debits}
        calls = [_settling(self._settle, key, debit) for debit, key in settled.items()]
        calls += [_lending(self._lend, pending.loan) for pending in batch]
        try:
            answers = await self._run(calls) if calls else []
        except (RedisError, OSError) as error:
            self._settlements = {**settled, **self._settlements}
            self._fail(batch, error)
            return False
        self._hand_out(batch, answers[len(debits) :])
        refused = [debit for debit, answer in zip(debits, answers, strict=False) if isinstance(answer, Exception)]
        self._settlements.update((debit, settled[debit]) for debit in refused)
        return not refused

    async def _run(self, calls: Sequence[Call]) -> list[Answer | Exception]:
        answers = await self._message([("EVALSHA", call.script.sha, call) for call in calls])
        unknown = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await self._message([("EVAL", calls[index].script.text, calls[index]) for index in unknown])
            for index, answer in zip(unknown, again, strict=True):
                answers[index] = answer
        return answers

    async def _message(self, commands: Sequence[tuple[str, str, Call]]) -> list[Answer | Exception]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for command, script, call in commands:
                pipeline.execute_command(command, script, 1, _PREFIX + call.key, *call.arguments)
            answers: list[Answer | Exception] = await pipeline.execute(raise_on_error=False)
        return answers

    def _hand_out(self, batch: Sequence[Pending], answers: Sequence[Answer | Exception]) -> None:
        for (loan, reply), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                _refuse(reply, answer)
            elif isinstance(answer, list):
                tokens, left, wait = answer
                if not reply.done():
                    reply.set_result(LoanReply(tokens, left, wait / 1000, shared=True))
                elif tokens:
                    self._give_back(loan)

    def _fail(self, batch: Sequence[Pending], error: Exception) -> None:
        for loan, reply in batch:
            self._give_back(loan)  # it may have been made
            _refuse(reply, error)

    def _give_back(self, loan: Loan) -> None:
        if loan.seconds:
            self.settle(loan.key, Debit(loan.id, spent=0, shared=True))


def _lending(script: Script, loan: Loan) -> Call:
    old, spent, _ = loan.settles
    need, wish = loan.need, loan.wish
    return Call(script, loan.key, (WINDOW, loan.limit, need, wish, loan.seconds, loan.id, old, spent, loan.unit))


def _settling(script: Script, key: str, debit: Debit) -> Call:
    return Call(script, key, (WINDOW, debit.loan, debit.spent))


def _refuse(reply: asyncio.Future[LoanReply], error: Exception) -> None:
    if not reply.done():
        reply.set_exception(error)
