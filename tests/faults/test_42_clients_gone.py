"""Fault 42: if a client disconnects, its statement is cancelled, its connection is reused, and writes are atomic."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg
import httpx
import pytest

from insula.core.settings import Settings
from insula.db.engine.pools import shares
from tenants.database import TENANTS
from tests.support.app import serving, web_process
from tests.support.apps import DECLARED
from tests.support.backends import Readback, blocked, holding, until_blocked
from tests.support.factories import Factories, MadeKey, TenantRow
from tests.support.wire import Wire, wired

LOCKED = "LOCK TABLE rack IN ACCESS EXCLUSIVE MODE"
SOON = 5.0
CHECK_INTERVAL = "ALTER ROLE insula_tenants IN DATABASE {} {} client_connection_check_interval{}"


@dataclass(frozen=True)
class Client:
    """A client with an API key, of one web process."""

    address: str
    key: MadeKey

    def send_request(self, wire: Wire, method: str = "GET", name: str = "") -> None:
        """Send a request without reading the response."""
        body = f'{{"name": "{name}"}}' if method == "POST" else ""
        length = [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
        key = f"X-API-Key: {self.key.key}"
        again = [f"Idempotency-Key: {name}"] if name else []
        wire.send(f"{method} /api/v1/racks HTTP/1.1", "Host: localhost", key, *again, *length, "")
        wire.socket.sendall(body.encode())


@pytest.fixture(scope="module")
async def address(settings: Settings) -> AsyncIterator[str]:
    """Serve with PostgreSQL's own check for lost clients disabled."""
    database = settings.database_url.rpartition("/")[2]
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute(CHECK_INTERVAL.format(database, "SET", " = 0"))
    with serving(settings, 0, INSULA_LOG_LEVEL="WARNING") as address:
        yield address
    await connection.execute(CHECK_INTERVAL.format(database, "RESET", ""))
    await connection.close()


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(entitlements={"requests_per_minute": 100_000, "racks": 10_000})


@pytest.fixture
async def client(address: str, make: Factories, tenant: TenantRow) -> Client:
    client = Client(address, await make.api_key(tenant, "rack:read", "rack:create"))
    with wired(address) as wire:  # so that the process caches the key
        client.send_request(wire)
        assert wire.answer()[0] == 200
    return client


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_statement_of_a_disconnected_client_is_cancelled_and_others_are_not(
    method: str, client: Client, settings: Settings, readback: Readback
) -> None:
    with wired(client.address) as stays, wired(client.address) as goes:
        async with holding(settings, LOCKED):
            client.send_request(stays, method, "Stays")
            await until_blocked(readback, 1)
            patient = await blocked(readback)
            client.send_request(goes, method, "Goes")
            await until_blocked(readback, 2)

            goes.socket.close()

            await until_blocked(readback, 1, SOON)
            assert await blocked(readback) == patient
        answer = await asyncio.to_thread(stays.answer)
    assert answer[0] == {"GET": 200, "POST": 201}[method]


async def test_a_hundred_disconnected_clients_leave_the_pool_complete(
    client: Client, tenant: TenantRow, settings: Settings, readback: Readback
) -> None:
    size = shares(settings.database.budget, DECLARED.web_roles)[TENANTS]
    for _ in range(5):
        with ExitStack() as stack:
            async with holding(settings, LOCKED):
                for number in range(20):
                    wire = stack.enter_context(wired(client.address))
                    client.send_request(wire, "POST" if number % 2 else "GET", f"Goes {number}" if number % 2 else "")
                await until_blocked(readback, size)
                stack.close()
                await until_blocked(readback, 0, SOON)

    with ExitStack() as stack:
        wires = [stack.enter_context(wired(client.address)) for _ in range(size)]
        async with holding(settings, LOCKED):
            for wire in wires:
                client.send_request(wire)
            await until_blocked(readback, size)
        assert [(await asyncio.to_thread(wire.answer))[0] for wire in wires] == [200] * size
    assert await readback("select 1 from rack where tenant_id = :id", id=tenant.id) == []


async def test_a_write_is_atomic_whenever_its_client_disconnects(
    client: Client, tenant: TenantRow, readback: Readback
) -> None:
    dice, names = random.Random(42), [f"p{number}" for number in range(60)]  # noqa: S311  # repeatable, not secret
    for name in names:
        with wired(client.address) as wire:
            client.send_request(wire, "POST", name)
            wire.has_news(dice.uniform(0, 0.03))  # disconnects at any moment, with or without a response

    headers = {**client.key.headers, "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=client.address, headers=headers) as again:
        for name in names:
            body = f'{{"name": "{name}"}}'
            answer = await again.post("/api/v1/racks", content=body, headers={"Idempotency-Key": name})
            assert answer.status_code == 201, answer.text

    [row] = await readback(
        "select (select count(*) from rack where tenant_id = :id) as racks,"
        " (select count(*) from audit_event where tenant_id = :id and action = 'rack.created') as told,"
        " (select count(*) from idempotency_record where tenant_id = :id) as kept",
        id=tenant.id,
    )
    assert row == {"racks": len(names), "told": len(names), "kept": len(names)}


async def test_the_statements_of_a_killed_process_are_cancelled_too(
    settings: Settings, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    await readback(CHECK_INTERVAL.format(settings.database_url.rpartition("/")[2], "RESET", ""))
    key = await make.api_key(tenant, "rack:read")
    with web_process(settings) as (address, process), wired(address) as wire:
        client = Client(address, key)
        client.send_request(wire)
        assert wire.answer()[0] == 200
        async with holding(settings, LOCKED):
            client.send_request(wire)
            await until_blocked(readback, 1)
            process.kill()
            await until_blocked(readback, 0, SOON)
