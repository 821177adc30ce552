"""An event is written last in the transaction of its action, and nobody can change it afterwards."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from admin.database import ADMIN
from insula.audit import PLATFORM, SYSTEM, Actor, Origin, record_in
from insula.audit.verify import reader, verify
from insula.core import clock
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY, WORKER, DatabaseRole
from insula.db.engine.unit import Unit
from insula.db.models import Tenant
from tenants.database import TENANTS
from tests.audit.support import Act, Readback, append
from tests.support.apps import DECLARED
from tests.support.factories import Factories
from tests.support.sql import rows

EVENTS = "SELECT * FROM audit_event WHERE tenant_id = :chain ORDER BY sequence"
SOMEBODY, STAFF = Actor("user"), Actor("staff")
ACTORS: dict[str, Actor] = {
    actor.kind: actor for actor in (SOMEBODY, STAFF, SYSTEM, *map(Actor, ("api_key", "oauth_client", "provider")))
}
WRITERS = {role: kinds for role, kinds in DECLARED.actors.items() if kinds}


def note(unit: Unit, chain: UUID, action: Act = Act.DONE, actor: Actor = SOMEBODY) -> None:
    record_in(unit, actor, action, object_type="thing", object_id="1", tenant_id=chain)


class TestWriting:
    async def test_an_event_has_its_actor_action_object_time_and_origin(
        self, database: Database, readback: Readback
    ) -> None:
        chain, ada = new_id(), new_id()
        earliest = clock.now()
        async with database.unit(TENANTS, chain) as unit:
            record_in(
                unit,
                Actor("api_key", ada, "deploy"),
                Act.CHANGED,
                object_type="thing",
                object_id=ada,
                before={"size": 1, "colour": "red"},
                after={"size": 2, "colour": "red"},
                tenant_id=chain,
                origin=Origin("request-1", "192.0.2.7"),
            )
        [event] = await readback(EVENTS, chain=chain)
        assert earliest <= event.pop("occurred_at") <= clock.now()
        assert len(event.pop("hash")) == 32
        assert event.pop("id").version == 7
        assert event == {
            "tenant_id": chain,
            "sequence": 1,
            "actor_kind": "api_key",
            "actor_id": ada,
            "actor_label": "deploy",
            "action": "thing.changed",
            "object_type": "thing",
            "object_id": str(ada),
            "before": {"size": 1},
            "after": {"size": 2},
            "request_id": "request-1",
            "address": "192.0.2.7",
            "previous_hash": bytes(32),
        }

    async def test_a_rollback_records_nothing(self, database: Database, readback: Readback) -> None:
        chain = new_id()
        async with database.unit(TENANTS, chain) as unit:
            note(unit, chain, Act.UNDONE)
            await unit.rollback()
            note(unit, chain, Act.DONE)

        async def fail() -> None:
            async with database.unit(TENANTS, chain) as unit:
                note(unit, chain, Act.UNDONE)
                raise RuntimeError("undo")

        with pytest.raises(RuntimeError, match="undo"):
            await fail()
        assert [event["action"] for event in await readback(EVENTS, chain=chain)] == ["thing.done"]

    async def test_each_commit_records_its_own_events(self, database: Database, readback: Readback) -> None:
        chain = new_id()
        async with database.unit(TENANTS, chain) as unit:
            note(unit, chain, Act.FIRST)
            await unit.commit()
            assert [event["action"] for event in await readback(EVENTS, chain=chain)] == ["thing.first"]
            note(unit, chain, Act.SECOND)
        assert [event["action"] for event in await readback(EVENTS, chain=chain)] == ["thing.first", "thing.second"]

    async def test_an_event_that_cannot_be_written_rolls_the_transaction_back(
        self, make: Factories, database: Database, readback: Readback
    ) -> None:
        tenant = await make.tenant(name="Before")

        async def rename(address: str) -> None:
            async with database.unit(TENANTS, tenant.id) as unit:
                (await unit.session.exec(select(Tenant))).one().name = "After"
                origin = Origin("request", address)
                record_in(unit, SOMEBODY, Act.DONE, object_type="x", object_id="1", tenant_id=tenant.id, origin=origin)

        with pytest.raises(asyncpg.DataError):
            await rename("\0")
        assert await readback("SELECT name FROM tenant WHERE id = :id", id=tenant.id) == [{"name": "Before"}]
        await rename("192.0.2.7")
        assert await readback("SELECT name FROM tenant WHERE id = :id", id=tenant.id) == [{"name": "After"}]

    async def test_one_transaction_records_in_several_chains(self, database: Database, readback: Readback) -> None:
        one, other = new_id(), new_id()
        async with database.unit(ADMIN, new_id()) as unit:
            for chain in (one, other, one):
                note(unit, chain, actor=STAFF)
        assert [len(await readback(EVENTS, chain=chain)) for chain in (one, other)] == [2, 1]

    @pytest.mark.parametrize("role", WRITERS)
    async def test_every_database_role_can_record_the_kinds_of_actors_it_declares(
        self, settings: Settings, role: DatabaseRole, readback: Readback
    ) -> None:
        chain = new_id()
        database = await Database.open(settings, [role])
        async with database.unit(role) as unit:
            for kind in WRITERS[role]:
                note(unit, chain, actor=ACTORS[kind])
        await database.close()
        assert WRITERS.keys() >= {TENANTS, ADMIN, IDENTITY, WORKER}
        assert len(await readback(EVENTS, chain=chain)) == len(WRITERS[role])


class TestConcurrency:
    async def test_concurrent_writers_leave_one_unbroken_chain(
        self, database: Database, settings: Settings, readback: Readback
    ) -> None:
        chain = new_id()
        running = asyncio.Semaphore(5)  # fewer than the pool has connections

        async def writer() -> None:
            async with running:
                await append(database, chain, 2)

        await asyncio.gather(*(writer() for _ in range(50)))
        events = await readback(EVENTS, chain=chain)
        assert [event["sequence"] for event in events] == list(range(1, 101))
        async with reader(settings) as connection:
            assert (await verify(connection, chain)).broken is None

    async def test_recording_without_committing_blocks_nobody(self, database: Database, readback: Readback) -> None:
        chain = new_id()
        async with database.unit(TENANTS, chain) as slow:
            note(slow, chain, Act.FIRST)
            await rows(slow, "SELECT 1")
            async with asyncio.timeout(5):
                await append(database, chain, action=Act.SECOND)
        assert [event["action"] for event in await readback(EVENTS, chain=chain)] == ["thing.second", "thing.first"]

    async def test_recording_in_opposite_orders_does_not_deadlock(self, database: Database, readback: Readback) -> None:
        one, other = new_id(), new_id()

        running = asyncio.Semaphore(5)

        async def both(*chains: UUID) -> None:
            async with running, database.unit(TENANTS) as unit:
                for chain in chains:
                    note(unit, chain)

        await asyncio.gather(*(both(*pair) for _ in range(20) for pair in ((one, other), (other, one))))
        assert [len(await readback(EVENTS, chain=chain)) for chain in (one, other)] == [40, 40]


class TestImmutability:
    async def test_no_role_may_set_an_events_sequence(self, database: Database, readback: Readback) -> None:
        chain = new_id()
        columns = "tenant_id, id, occurred_at, actor_kind, action, object_type, object_id, request_id, address"
        values = ":chain, gen_random_uuid(), now(), 'user', 'a', 'b', 'c', '', ''"
        plain = f"INSERT INTO audit_event ({columns}) VALUES ({values})"  # noqa: S608  # constants of this test
        forged = f"INSERT INTO audit_event ({columns}, sequence) VALUES ({values}, 7)"  # noqa: S608  # as above

        async def insert(statement: str) -> None:
            async with database.unit(TENANTS, chain) as unit:
                await rows(unit, statement, chain=chain)

        await insert(plain)
        with pytest.raises(DBAPIError, match="permission denied"):
            await insert(forged)
        assert [event["sequence"] for event in await readback(EVENTS, chain=chain)] == [1]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_event SET action = 'nothing' WHERE tenant_id = :chain",
            "DELETE FROM audit_event WHERE tenant_id = :chain",
            "TRUNCATE audit_event",
            "UPDATE audit_head SET sequence = 0 WHERE tenant_id = :chain",
            "INSERT INTO audit_head SELECT gen_random_uuid(), 0, hash FROM audit_head WHERE tenant_id = :chain",
            "DELETE FROM audit_head WHERE tenant_id = :chain",
            "TRUNCATE audit_head",
        ],
    )
    async def test_even_a_superuser_cannot_change_an_event(
        self, database: Database, readback: Readback, statement: str
    ) -> None:
        chain = new_id()
        await append(database, chain, 3)
        before = await readback(EVENTS, chain=chain)
        with pytest.raises(DBAPIError, match="is append-only"):
            await readback(statement, **({"chain": chain} if ":chain" in statement else {}))
        assert await readback(EVENTS, chain=chain) == before

    async def test_an_event_remains_after_its_user_and_tenant_are_deleted(
        self, make: Factories, database: Database, readback: Readback
    ) -> None:
        tenant, user = await make.tenant(entitlements={}), await make.user()
        await append(database, tenant.id, actor=Actor("user", user.id))
        await readback('DELETE FROM "user" WHERE id = :id', id=user.id)
        await readback("DELETE FROM tenant WHERE id = :id", id=tenant.id)
        [event] = await readback(EVENTS, chain=tenant.id)
        assert event["actor_id"] == user.id

    async def test_no_tenant_reads_anothers_or_the_platforms(self, database: Database) -> None:
        mine, theirs = new_id(), new_id()
        for chain in (mine, theirs, PLATFORM):
            await append(database, chain)
        async with database.unit(TENANTS, mine) as unit:
            assert await rows(unit, "SELECT DISTINCT tenant_id FROM audit_event") == [(mine,)]
            assert await rows(unit, "SELECT tenant_id FROM audit_head") == [(mine,)]
