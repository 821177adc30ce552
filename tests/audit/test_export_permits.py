"""A tenant's concurrent exports are limited; a permit becomes free when an export ends, however it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from insula.core.ids import TenantId
from insula.core.settings import Settings
from insula.limits import close, connect
from tenants.audit_events.service import BATCH
from tests.audit.support import Readback, append
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import until

AT_ONCE: Final = 2
GRANTED: Final = {"requests_per_minute": 6_000, "exports_per_minute": 6, "concurrent_exports": AT_ONCE}


@pytest.fixture
async def tenant(make: Factories, live: Live) -> TenantRow:
    tenant = await make.tenant(entitlements=GRANTED)
    await append(live.kernel.database, tenant.id, 3 * BATCH)
    return tenant


class Reader:
    """Requests one tenant's log, and continues to read when the test says so."""

    def __init__(self, live: Live, headers: dict[str, str]) -> None:
        self.live = live
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.status = 0
        self.response_headers: dict[str, str] = {}
        self.text = b""
        self.begun = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.gone = False

    async def read(self, query: bytes = b"") -> None:
        """Read to the end, or until ``gone``; after the first chunk wait for ``may_go_on``."""
        with suppress(ClientDisconnect, OSError):
            await self.live(self._scope(query), self._receive, self._send)

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.response_headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        self.text += message.get("body", b"")
        self.begun.set()
        if self.status == 200:
            await self.may_go_on.wait()
        if self.gone:
            raise OSError("the connection is closed")

    def _scope(self, query: bytes) -> dict[str, object]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/v1/audit-events.csv",
            "raw_path": b"/api/v1/audit-events.csv",
            "query_string": query,
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), *self.headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }


@pytest.fixture
async def headers(make: Factories, sign_in: SignIn, tenant: TenantRow) -> dict[str, str]:
    return await sign_in(await make.member(tenant, "owner"), tenant)


@asynccontextmanager
async def reading(live: Live, headers: dict[str, str], count: int) -> AsyncIterator[list[Reader]]:
    """Keep ``count`` exports running within the block."""
    readers = [Reader(live, headers) for _ in range(count)]
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    for reader in readers:
        await reader.begun.wait()
    yield readers
    for reader in readers:
        reader.may_go_on.set()
    await asyncio.gather(*tasks)


async def refused(live: Live, headers: dict[str, str]) -> Reader:
    reader = Reader(live, headers)
    await reader.read()
    return reader


async def whole(live: Live, headers: dict[str, str]) -> bool:
    """Return whether an export is accepted and complete."""
    reader = Reader(live, headers)
    reader.may_go_on.set()
    await reader.read()
    return reader.status == 200 and reader.text.count(b"thing.done") == 3 * BATCH


async def test_one_export_too_many_gets_429_with_retry_after(live: Live, headers: dict[str, str]) -> None:
    async with reading(live, headers, AT_ONCE) as readers:
        assert [reader.status for reader in readers] == [200, 200]
        answer = await refused(live, headers)
        assert answer.status == 429
        assert b'"too_many_concurrent"' in answer.text
        assert int(answer.response_headers["retry-after"]) > 0
        assert answer.response_headers["ratelimit"] == '"concurrent-exports";r=0'
    assert await whole(live, headers)


async def test_the_answer_names_the_limits_that_apply(live: Live, headers: dict[str, str]) -> None:
    async with reading(live, headers, 1) as [reader]:
        assert reader.response_headers["ratelimit-policy"] == (
            '"requests";q=6000;w=60, "exports";q=6;w=60, "concurrent-exports";q=2;qu="concurrent-requests"'
        )
        assert reader.response_headers["ratelimit"].endswith(', "concurrent-exports";r=1')


async def test_a_refusal_does_not_count_as_an_export(live: Live, headers: dict[str, str]) -> None:
    async with reading(live, headers, AT_ONCE):
        for _ in range(10):
            assert b'"too_many_concurrent"' in (await refused(live, headers)).text
    assert [await whole(live, headers) for _ in range(4)] == [True] * 4
    assert b'"rate_limited"' in (await refused(live, headers)).text


async def test_another_tenant_has_its_own_permits(
    live: Live, headers: dict[str, str], make: Factories, sign_in: SignIn
) -> None:
    other = await make.tenant(entitlements=GRANTED)
    theirs = await sign_in(await make.member(other, "owner"), other)
    async with reading(live, headers, AT_ONCE):
        assert (await refused(live, headers)).status == 429
        reader = Reader(live, theirs)
        reader.may_go_on.set()
        await reader.read()
        assert reader.status == 200


async def test_a_reader_who_disconnects_frees_the_permit(live: Live, headers: dict[str, str]) -> None:
    async with reading(live, headers, AT_ONCE) as readers:
        assert (await refused(live, headers)).status == 429
        for reader in readers:
            reader.gone = True
    assert all(reader.text.count(b"thing.done") < 3 * BATCH for reader in readers)
    async with reading(live, headers, AT_ONCE) as readers:
        assert [reader.status for reader in readers] == [200, 200]


async def test_a_cancelled_request_frees_the_permit(live: Live, headers: dict[str, str]) -> None:
    readers = [Reader(live, headers) for _ in range(AT_ONCE)]
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    for reader in readers:
        await reader.begun.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await whole(live, headers)


async def test_an_export_that_fails_before_it_begins_frees_the_permit(live: Live, headers: dict[str, str]) -> None:
    for _ in range(AT_ONCE + 1):
        reader = Reader(live, headers)
        await reader.read(b"since=yesterday")
        assert reader.status == 422
    assert await whole(live, headers)


async def test_an_export_that_breaks_off_frees_the_permit(
    live: Live, headers: dict[str, str], tenant: TenantRow, readback: Readback, make: Factories, sign_in: SignIn
) -> None:
    member = await make.member(tenant, "owner")
    theirs = await sign_in(member, tenant)
    readers = [Reader(live, theirs) for _ in range(AT_ONCE)]
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    for reader in readers:
        await reader.begun.wait()
    await readback("DELETE FROM membership WHERE user_id = :user", user=member.id)

    async def out() -> bool:
        probe = Reader(live, theirs)
        await probe.read()
        return probe.status == 403

    await until(out)
    for reader in readers:
        reader.may_go_on.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ended] == [RuntimeError] * AT_ONCE
    assert await whole(live, headers)


async def test_no_permit_is_held_when_all_exports_have_ended(
    live: Live, headers: dict[str, str], tenant: TenantRow, settings: Settings
) -> None:
    redis = connect(settings.redis_url)
    async with reading(live, headers, AT_ONCE):
        assert await redis.zcard(permits_of(TenantId(tenant.id))) == AT_ONCE

    async def gone() -> bool:
        return not await redis.exists(permits_of(TenantId(tenant.id)))

    await until(gone)
    await close(redis)


def permits_of(tenant_id: TenantId) -> str:
    return f"insula:slots:{{{tenant_id}}}:exports"
