"""The time of a key's last use is exact to a minute, without one write for each request."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import httpx
import pytest
from sqlalchemy import event

from insula.asgi import create_app
from insula.core import clock
from insula.core.ids import TenantId
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.identity.credentials.api_key_uses import KeyUses
from tests.support.app import Live
from tests.support.factories import Factories, MadeKey, TenantRow
from tests.support.faulty import Fault, faulty

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LATE = 1.0  # for a busy machine


@pytest.fixture
async def made(make: Factories, tenant: TenantRow) -> MadeKey:
    return await make.api_key(tenant, "rack:read")


@pytest.fixture
def last_use(readback: Readback) -> Callable[[UUID], Awaitable[datetime | None]]:
    async def read(key_id: UUID) -> datetime | None:
        [row] = await readback("select last_used_at, version from api_key where id = :id", id=key_id)
        assert row["version"] == 1
        found = row["last_used_at"]
        assert found is None or isinstance(found, datetime)
        return found

    return read


LastUse = Callable[[UUID], Awaitable[datetime | None]]


async def use(app: Live, settings: Settings, made: MadeKey, times: int = 1) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url, headers=made.headers) as client:
        for _ in range(times):
            assert (await client.get("/api/v1/racks")).status_code == 200


async def test_uses_are_written_once_and_later(
    live: Live, settings: Settings, made: MadeKey, last_use: LastUse
) -> None:
    await live.kernel.key_uses.flush()  # writes the uses of other tests
    written: list[str] = []
    engine = live.kernel.database.engine(IDENTITY).sync_engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: written.append(str(arguments[2])))
    before = clock.now()

    await use(live, settings, made, times=5)
    assert not [statement for statement in written if "api_key" in statement]
    assert await last_use(made.id) is None

    await live.kernel.key_uses.flush()
    await live.kernel.key_uses.flush()
    assert len([statement for statement in written if "update api_key" in statement]) == 1
    used = await last_use(made.id)
    assert used is not None
    assert before - SECOND <= used <= clock.now() + SECOND


async def test_a_key_is_written_at_most_once_a_minute(
    database: Database, tenant: TenantRow, made: MadeKey, last_use: LastUse
) -> None:
    """Two processes note the use."""
    one, other = KeyUses(database), KeyUses(database)
    tenant_id = TenantId(tenant.id)
    one.note(tenant_id, made.id)
    await one.flush()
    first = await last_use(made.id)
    assert first is not None

    with clock.moved(30 * SECOND):
        other.note(tenant_id, made.id)
    await other.flush()
    assert await last_use(made.id) == first

    with clock.moved(2 * MINUTE):
        other.note(tenant_id, made.id)
    await other.flush()
    later = await last_use(made.id)
    assert later is not None
    assert later - first > MINUTE

    one.note(tenant_id, made.id)  # a process whose clock is behind
    await one.flush()
    assert await last_use(made.id) == later


async def test_uses_are_written_when_the_process_ends(
    settings: Settings, tenant: TenantRow, made: MadeKey, last_use: LastUse
) -> None:
    assert tenant.id
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        await use(Live(app, state["kernel"]), settings, made)
        assert await last_use(made.id) is None
    assert await last_use(made.id) is not None


async def test_uses_that_cannot_be_written_are_kept(
    database: Database, make: Factories, tenant: TenantRow, made: MadeKey, last_use: LastUse
) -> None:
    calm = await make.tenant()
    theirs = await make.api_key(calm, "rack:read")
    uses = KeyUses(database)
    uses.note(TenantId(tenant.id), made.id)
    uses.note(TenantId(calm.id), theirs.id)
    engine = database.engine(IDENTITY).sync_engine

    def fail(_connection: object, _cursor: object, _statement: str, parameters: object, *_: object) -> None:
        if str(made.id) in repr(parameters):
            raise ConnectionResetError

    event.listen(engine, "before_cursor_execute", fail)
    await uses.flush()
    event.remove(engine, "before_cursor_execute", fail)
    assert await last_use(made.id) is None
    assert await last_use(theirs.id) is not None

    await uses.flush()
    assert await last_use(made.id) is not None


async def test_with_a_silent_database_writing_times_out_and_all_uses_are_kept(
    settings: Settings, tenant: TenantRow, made: MadeKey, last_use: LastUse
) -> None:
    with faulty(settings.database_url) as proxy:
        through = settings.model_copy(update={"database_url": proxy.url(settings.database_url)})
        database = await Database.open(through, [IDENTITY])
        uses = KeyUses(database)
        for number in range(20):
            uses.note(TenantId(UUID(int=number)), made.id)
        uses.note(TenantId(tenant.id), made.id)
        proxy.strike(Fault.SWALLOW)
        began = monotonic()
        await uses.flush(within=0.5)
        assert monotonic() - began < 0.5 + LATE
        assert await last_use(made.id) is None

        proxy.heal()
        await uses.flush()
        await database.close()
    assert await last_use(made.id) is not None


async def test_a_use_is_written_only_within_its_tenant(
    database: Database, make: Factories, tenant: TenantRow, made: MadeKey, last_use: LastUse
) -> None:
    other = await make.tenant()
    uses = KeyUses(database)
    uses.note(TenantId(other.id), made.id)
    await uses.flush()
    assert await last_use(made.id) is None
    uses.note(TenantId(tenant.id), made.id)
    await uses.flush()
    assert await last_use(made.id) is not None
