"""Fault 42: a client disconnects during its write's COMMIT: the write is whole or absent, and the pool stays complete.

A constraint that is violated only at COMMIT is answered as one that a statement violates.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager

import httpx
import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import shares
from tenants.database import TENANTS
from tests.support.app import SignIn, serving
from tests.support.apps import DECLARED
from tests.support.backends import Readback, holding, until_blocked
from tests.support.exact import chain_events, wrong_counters
from tests.support.factories import Factories, MadeKey, TenantRow
from tests.support.wire import Wire, wired
from tests.tenants.support import Caller, code_of, joined

COUNTER = "SELECT 1 FROM tenant_usage WHERE tenant_id = :id FOR UPDATE"
TABLE = "LOCK TABLE rack IN ACCESS EXCLUSIVE MODE"
KEY = {"Idempotency_Key": "the-same-key"}


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings, 0, INSULA_LOG_LEVEL="ERROR") as address:
        yield address


def ask(wire: Wire, key: MadeKey, name: str) -> None:
    """Send a request that creates a rack, and do not read its answer."""
    body = f'{{"name": "{name}"}}'
    wire.send(
        *("POST /api/v1/racks HTTP/1.1", "Host: localhost", f"X-API-Key: {key.key}", f"Idempotency-Key: {name}"),
        *("Content-Type: application/json", f"Content-Length: {len(body)}", ""),
    )
    wire.socket.sendall(body.encode())


async def test_clients_that_disconnect_during_commit_leave_the_pool_complete(
    address: str, settings: Settings, make: Factories, readback: Readback
) -> None:
    tenant: TenantRow = await make.tenant(entitlements={"requests_per_minute": 100_000, "racks": 1_000})
    key = await make.api_key(tenant, "rack:create")
    await make.row("rack", tenant)
    size = shares(settings.database.budget, DECLARED.web_roles)[TENANTS]
    names = [f"goes-{number}" for number in range(size)]
    for name in names[:3]:
        with wired(address) as wire:
            async with holding(settings, COUNTER, id=tenant.id):
                ask(wire, key, name)
                await until_blocked(readback, 1, 10)
                wire.socket.close()
                await until_blocked(readback, 0, 10)
    assert await readback("SELECT name FROM rack WHERE tenant_id = :id AND name LIKE 'goes%'", id=tenant.id) == []

    with ExitStack() as stack:
        wires = [stack.enter_context(wired(address)) for _ in names]
        async with holding(settings, TABLE):
            for wire, name in zip(wires, names, strict=True):
                ask(wire, key, name)
            await until_blocked(readback, size, 10)
        assert [(await asyncio.to_thread(wire.answer))[0] for wire in wires] == [201] * size
    assert await wrong_counters(readback, [tenant.id]) == []
    assert await chain_events(settings, [tenant.id]) == {tenant.id: size}


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@asynccontextmanager
async def checked_at_commit(readback: Readback) -> AsyncIterator[None]:
    """Let the database check the unique name of a rack, and the rack of a book, at COMMIT."""
    unique = "ALTER TABLE rack DROP CONSTRAINT uq_rack_tenant_id_name, ADD CONSTRAINT uq_rack_tenant_id_name"
    foreign = "ALTER TABLE book ALTER CONSTRAINT fk_book_tenant_id_rack_id"
    await readback(f"{unique} UNIQUE (tenant_id, name) DEFERRABLE INITIALLY DEFERRED")
    await readback(f"{foreign} DEFERRABLE INITIALLY DEFERRED")
    try:
        yield
    finally:
        await readback(f"{foreign} NOT DEFERRABLE")
        await readback(f"{unique} UNIQUE (tenant_id, name)")


@pytest.mark.parametrize("key", [{}, KEY], ids=["without a key", "with a key"])
async def test_a_constraint_violated_at_commit_keeps_its_problem(
    owner: Caller, settings: Settings, readback: Readback, key: dict[str, str]
) -> None:
    one, other = await owner.rack("One"), await owner.rack("Other")
    async with checked_at_commit(readback):
        assert code_of(await owner.post("/racks", {"name": "One"}, **key)) == (409, "rack_name_taken")
        assert code_of(await owner.patch(other, {"name": "One"})) == (409, "rack_name_taken")
        assert code_of(await owner.post(f"/racks/{new_id()}/books", {"title": "x"}, **key)) == (404, "not_found")
        many = {"items": [{"title": "x"}] * 3}
        assert code_of(await owner.post(f"/racks/{new_id()}/books/bulk", many, **key)) == (404, "not_found")
        assert (await owner.post("/racks", {"name": "Two"}, **key)).status_code == 201
        assert (await owner.patch(other, {"name": "Another"})).status_code == 200
        assert (await owner.post(f"{one}/books/bulk", many, **key)).status_code == 201
    assert await wrong_counters(readback, [owner.home.id]) == []
    assert await chain_events(settings, [owner.home.id]) == {owner.home.id: 5}
