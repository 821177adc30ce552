"""Fault 48: a request that fails by a deadlock or serialisation failure is retried a few times, with one effect."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import serving
from tests.support.backends import Readback, holding, until_blocked
from tests.support.factories import Factories, TenantRow

LOCK_ID = 4848
TAKE_LOCK = f"SELECT pg_advisory_xact_lock({LOCK_ID})"
SHARED_LOCKS = "EXECUTE ON FUNCTION pg_advisory_xact_lock_shared(bigint)"
FUNCTION = f"""
CREATE FUNCTION probe_race() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM nextval('probe_attempts');
    PERFORM pg_advisory_xact_lock_shared({LOCK_ID});
    IF NEW.description = 'across' THEN
        PERFORM 1 FROM rack WHERE tenant_id = NEW.tenant_id AND id <> NEW.id FOR UPDATE;
    ELSIF NEW.description = 'doomed' THEN
        RAISE EXCEPTION 'lost again' USING ERRCODE = 'deadlock_detected';
    END IF;
    RETURN NEW;
END $$
"""
ISOLATION = "ALTER ROLE insula_tenants IN DATABASE {} {} default_transaction_isolation{}"


@pytest.fixture(scope="module")
async def superuser(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def races(superuser: asyncpg.Connection) -> AsyncIterator[None]:
    """Add a trigger on racks that synchronizes changes, counts attempts, and fails if the description says so."""
    await superuser.execute("CREATE SEQUENCE probe_attempts")
    await superuser.execute("GRANT USAGE ON SEQUENCE probe_attempts TO insula_tenants")
    await superuser.execute(f"GRANT {SHARED_LOCKS} TO insula_tenants")
    await superuser.execute(FUNCTION)
    await superuser.execute(
        "CREATE TRIGGER probe_race AFTER INSERT OR UPDATE ON rack FOR EACH ROW EXECUTE FUNCTION probe_race()"
    )
    yield
    await superuser.execute("DROP TRIGGER probe_race ON rack")
    await superuser.execute("DROP FUNCTION probe_race")
    await superuser.execute(f"REVOKE {SHARED_LOCKS} FROM insula_tenants")
    await superuser.execute("DROP SEQUENCE probe_attempts")


@pytest.fixture(scope="module")
def address(settings: Settings) -> object:
    with serving(settings, 0, INSULA_LOG_LEVEL="ERROR") as address:
        yield address


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def client(address: str, make: Factories, tenant: TenantRow) -> AsyncIterator[httpx.AsyncClient]:
    key = await make.api_key(tenant, "rack:read", "rack:create", "rack:update")
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers=key.headers, timeout=20) as client:
        yield client


async def attempts(readback: Readback) -> int:
    [row] = await readback("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS made FROM probe_attempts")
    return int(str(row["made"]))


async def change(client: httpx.AsyncClient, rack: str, description: str) -> httpx.Response:
    return await client.patch(f"/racks/{rack}", json={"description": description}, headers={"If-Match": '"1"'})


@pytest.mark.usefixtures("races")
async def test_two_requests_in_a_deadlock_both_succeed(
    client: httpx.AsyncClient, settings: Settings, readback: Readback
) -> None:
    made = [(await client.post("/racks", json={"name": name})).json()["id"] for name in ("Left", "Right")]
    before = await attempts(readback)
    async with holding(settings, TAKE_LOCK):
        both = asyncio.gather(*(change(client, rack, "across") for rack in made))
        await until_blocked(readback, 2)  # each holds its own rack and wants the other's

    assert [answer.status_code for answer in await both] == [200, 200]
    assert await attempts(readback) == before + 3, "one of the two was retried"
    updates = await readback(
        "select object_id from audit_event where action = 'rack.updated' and object_id = any(:ids)", ids=made
    )
    assert sorted(str(row["object_id"]) for row in updates) == sorted(made)


@pytest.mark.usefixtures("races")
async def test_a_request_that_always_deadlocks_gets_503_after_three_attempts(
    client: httpx.AsyncClient, readback: Readback
) -> None:
    rack = (await client.post("/racks", json={"name": "Doomed"})).json()["id"]
    before = await attempts(readback)

    lost = await change(client, rack, "doomed")
    assert (lost.status_code, lost.json()["code"], lost.headers["retry-after"]) == (503, "unavailable", "1")
    assert await attempts(readback) == before + 3
    [row] = await readback("select description, version from rack where id = :id", id=rack)
    assert row["version"] == 1

    assert (await change(client, rack, "spared")).status_code == 200


@pytest.mark.usefixtures("races")
async def test_a_request_with_a_serialisation_failure_is_retried(
    settings: Settings, superuser: asyncpg.Connection, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    database = settings.database_url.rpartition("/")[2]
    key = await make.api_key(tenant, "rack:read", "rack:create")
    await superuser.execute(ISOLATION.format(database, "SET", " = 'repeatable read'"))
    try:
        with serving(settings, 0, INSULA_LOG_LEVEL="ERROR") as address:
            async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers=key.headers, timeout=20) as client:
                async with holding(settings, TAKE_LOCK):
                    bodies = [{"name": name} for name in ("First", "Second")]
                    both = asyncio.gather(*(client.post("/racks", json=body) for body in bodies))
                    await until_blocked(readback, 2)  # both have their snapshot and want to update the same counter
                answers = await both
    finally:
        await superuser.execute(ISOLATION.format(database, "RESET", ""))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert await attempts(readback) == 3, "one of the two was retried"
    rows = await readback("select name from rack where tenant_id = :id order by name", id=tenant.id)
    assert [row["name"] for row in rows] == ["First", "Second"]
