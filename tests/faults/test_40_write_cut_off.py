"""Fault 40: a web process, or its backend, is killed at each moment of a write.

No acknowledged write is lost, and the repeated request has one effect. A lock stops the write in a statement. While its
process is suspended, the statement ends and no other is sent: so each moment between two statements is reached too.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import web_process
from tests.support.backends import Readback, blocked, holding, until_blocked
from tests.support.exact import chain_events, wrong_counters
from tests.support.factories import Factories, MadeKey, TenantRow
from tests.support.forkserver import Forked
from tests.support.waiting import until

KEY: Final = {"Idempotency-Key": "the-same-key"}
CLAIM: Final = "LOCK TABLE idempotency_record IN ACCESS EXCLUSIVE MODE"
INSERT: Final = "LOCK TABLE rack IN ACCESS EXCLUSIVE MODE"
LAST: Final = "SELECT 1 FROM audit_head WHERE tenant_id = :id FOR UPDATE"
COMMIT: Final = "SELECT 1 FROM tenant_usage WHERE tenant_id = :id AND resource = 'racks' FOR UPDATE"
WITHIN: Final = [
    pytest.param(CLAIM, id="after BEGIN"),
    pytest.param(INSERT, id="after the claim"),
    pytest.param(LAST, id="after the insert"),
    pytest.param(COMMIT, id="during COMMIT"),
]
"""Locks, each of which stops a write in the next statement."""
AFTER: Final = [
    pytest.param(CLAIM, id="the claim"),
    pytest.param(INSERT, id="the insert"),
    pytest.param(LAST, id="the last statement"),
    pytest.param(COMMIT, id="COMMIT"),
]
LONGEST: Final = 20.0
LEFT: Final = """
SELECT (SELECT count(*) FROM rack WHERE tenant_id = :id) AS racks,
       (SELECT count(*) FROM idempotency_record WHERE tenant_id = :id) AS keys
"""


@dataclass(frozen=True)
class Writer:
    """A tenant with one rack, and a request that creates another one."""

    tenant: TenantRow
    key: MadeKey
    settings: Settings
    readback: Readback

    async def create(self, client: httpx.AsyncClient, address: str = "") -> httpx.Response:
        headers = self.key.headers | KEY
        return await client.post(f"{address}/api/v1/racks", json={"name": "New"}, headers=headers, timeout=60)

    async def settle(self, client: httpx.AsyncClient) -> httpx.Response:
        """Repeat the request until it is not in flight any more."""
        answers: list[httpx.Response] = []

        async def settled() -> bool:
            answers.append(await self.create(client))
            return answers[-1].status_code != 409

        await until(settled)
        return answers[-1]

    async def check_one_effect(self, client: httpx.AsyncClient) -> None:
        """Check that the repeated request succeeds and is replayed, and that the tenant has exactly its effect."""
        first = await self.settle(client)
        again = await self.create(client)
        assert (first.status_code, again.status_code) == (201, 201), (first.text, again.text)
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        assert await self.readback(LEFT, id=self.tenant.id) == [{"racks": 2, "keys": 1}]
        assert await wrong_counters(self.readback, [self.tenant.id]) == []
        assert await chain_events(self.settings, [self.tenant.id]) == {self.tenant.id: 2}

    async def rows(self) -> dict[str, object]:
        [row] = await self.readback(LEFT, id=self.tenant.id)
        return row


@pytest.fixture
async def writer(make: Factories, client: httpx.AsyncClient, settings: Settings, readback: Readback) -> Writer:
    tenant = await make.tenant(entitlements={"requests_per_minute": 100_000, "racks": 10})
    writer = Writer(tenant, await make.api_key(tenant, "rack:create"), settings, readback)
    first = await client.post("/api/v1/racks", json={"name": "First"}, headers=writer.key.headers)
    assert first.status_code == 201  # so that the tenant has a counter and a chain, whose rows can be locked
    return writer


@pytest.fixture(scope="module")
def victim(settings: Settings) -> Iterator[tuple[str, Forked]]:
    """Serve for the tests that end only the backend."""
    with web_process(settings, 0, INSULA_LOG_LEVEL="ERROR") as started:
        yield started


@asynccontextmanager
async def sending(writer: Writer, address: str) -> AsyncIterator[Callable[[], asyncio.Task[httpx.Response]]]:
    """Yield a function that sends the request; it is called once the lock is held."""
    requests: list[asyncio.Task[httpx.Response]] = []

    def send() -> asyncio.Task[httpx.Response]:
        requests.append(asyncio.create_task(writer.create(client, address)))
        return requests[-1]

    async with httpx.AsyncClient() as client:
        try:
            async with asyncio.timeout(LONGEST):
                yield send
        finally:
            for request in requests:
                request.cancel()
            await asyncio.gather(*requests, return_exceptions=True)


async def stopped(writer: Writer) -> int:
    """Return the backend of the write that waits for the lock."""
    await until_blocked(writer.readback, 1)
    [backend] = await blocked(writer.readback)
    return backend


async def is_idle(readback: Readback, backend: int) -> bool:
    """Return whether the backend has ended its statement and waits for the next one."""
    found = await readback("SELECT wait_event FROM pg_stat_activity WHERE pid = :pid", pid=backend)
    return found == [{"wait_event": "ClientRead"}]


async def is_gone(readback: Readback, backend: int) -> bool:
    return not await readback("SELECT 1 FROM pg_stat_activity WHERE pid = :pid", pid=backend)


@pytest.mark.parametrize("lock", WITHIN)
async def test_a_process_killed_within_a_statement_leaves_one_effect(
    lock: str, writer: Writer, client: httpx.AsyncClient, settings: Settings, readback: Readback
) -> None:
    with web_process(settings, 0, INSULA_LOG_LEVEL="ERROR") as (address, process):
        async with sending(writer, address) as send:
            async with holding(settings, lock, id=writer.tenant.id):
                request = send()
                backend = await stopped(writer)
                process.kill()
                process.wait()
            with pytest.raises(httpx.TransportError):
                await request
    await until(partial(is_gone, readback, backend))
    await writer.check_one_effect(client)


@pytest.mark.parametrize("lock", AFTER)
async def test_a_process_killed_after_a_statement_leaves_one_effect(
    lock: str, writer: Writer, client: httpx.AsyncClient, settings: Settings, readback: Readback
) -> None:
    with web_process(settings, 0, INSULA_LOG_LEVEL="ERROR") as (address, process):
        async with sending(writer, address) as send:
            async with holding(settings, lock, id=writer.tenant.id):
                request = send()
                backend = await stopped(writer)
                process.send_signal(signal.SIGSTOP)
            try:
                await until(partial(is_idle, readback, backend), 5)
                left = await writer.rows()
            finally:
                process.kill()
                process.wait()
            assert left == ({"racks": 2, "keys": 1} if lock == COMMIT else {"racks": 1, "keys": 0})
            with pytest.raises(httpx.TransportError):
                await request
    await until(partial(is_gone, readback, backend))
    assert await writer.rows() == left
    await writer.check_one_effect(client)


@pytest.mark.parametrize("lock", WITHIN)
async def test_a_backend_ended_within_a_statement_is_answered_503_and_has_no_effect(
    lock: str,
    writer: Writer,
    client: httpx.AsyncClient,
    settings: Settings,
    readback: Readback,
    victim: tuple[str, Forked],
) -> None:
    async with sending(writer, victim[0]) as send, holding(settings, lock, id=writer.tenant.id):
        request = send()
        await readback("SELECT pg_terminate_backend(:pid)", pid=await stopped(writer))
        answer = await request
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
    assert await writer.rows() == {"racks": 1, "keys": 0}
    await writer.check_one_effect(client)


@pytest.mark.parametrize("lock", AFTER)
async def test_a_backend_ended_after_a_statement_is_answered_as_the_write_ended(
    lock: str,
    writer: Writer,
    client: httpx.AsyncClient,
    settings: Settings,
    readback: Readback,
    victim: tuple[str, Forked],
) -> None:
    address, process = victim
    async with sending(writer, address) as send:
        try:
            async with holding(settings, lock, id=writer.tenant.id):
                request = send()
                backend = await stopped(writer)
                process.send_signal(signal.SIGSTOP)
            await until(partial(is_idle, readback, backend), 5)
            await readback("SELECT pg_terminate_backend(:pid)", pid=backend)
            await until(partial(is_gone, readback, backend), 5)
        finally:
            process.send_signal(signal.SIGCONT)
        answer = await request
    if lock == COMMIT:
        assert answer.status_code in (201, 503)  # the driver may read the end of the connection before the answer
        assert await writer.rows() == {"racks": 2, "keys": 1}
    else:
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert await writer.rows() == {"racks": 1, "keys": 0}
    await writer.check_one_effect(client)
    if answer.status_code == 201:
        assert (await writer.create(client)).content == answer.content
