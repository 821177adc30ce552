"""Verification finds every way of tampering with a chain, and finds nothing in an untouched one."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.audit.verify import chains, reader, verify
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from tests.audit.support import Readback, Tamper, append
from tests.support.factories import Factories
from tests.support.processes import insula


@pytest.fixture
async def chain(database: Database) -> UUID:
    chain = new_id()
    await append(database, chain, 3)
    await append(database, chain, 2)
    return chain


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    async with reader(settings) as connection:
        yield connection


async def test_an_untouched_chain_verifies(chain: UUID, connection: AsyncConnection, readback: Readback) -> None:
    verdict = await verify(connection, chain)
    [head] = await readback("SELECT hash FROM audit_head WHERE tenant_id = :chain", chain=chain)
    assert (verdict.events, verdict.broken, verdict.head) == (5, None, head["hash"])
    assert chain in await chains(connection)


async def test_values_of_every_kind_verify(database: Database, connection: AsyncConnection) -> None:
    chain = new_id()
    values: dict[str, object] = {
        "float": 1e300,
        "zero": 1.0,
        "big": 2**70,
        "none": None,
        "text": 'Zürich "\\ \u2028 😀',
        "deep": [{"a": []}],
    }
    await append(database, chain, after=values, before={"float": 0.1})
    assert (await verify(connection, chain)).broken is None


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit_event SET actor_id = id AT 3"], "event 3 is not what was recorded"),
        (["""UPDATE audit_event SET after = '{"number": 9}' AT 3"""], "event 3 is not what was recorded"),
        (["UPDATE audit_event SET occurred_at = occurred_at + interval '1 us' AT 1"], "event 1 is not what"),
        (["UPDATE audit_event SET hash = previous_hash AT 3"], "event 3 is not what was recorded"),
        (["UPDATE audit_event SET previous_hash = hash AT 3"], "event 3 does not follow"),
        (["DELETE FROM audit_event AT 1"], "event 1 is missing"),
        (["DELETE FROM audit_event AT 3"], "event 3 is missing"),
        (["DELETE FROM audit_event AT 5"], "the log ends at event 4, its head at event 5"),
        (["DELETE FROM audit_event MINE"], "the log ends at event 0, its head at event 5"),
        (["DELETE FROM audit_head MINE"], "the head is missing"),
        (["UPDATE audit_head SET sequence = 4 MINE"], "the log ends at event 5, its head at event 4"),
        (["UPDATE audit_head SET hash = decode(repeat('00', 32), 'hex') MINE"], "the head is not that of event 5"),
        (
            # The tail is cut off and the head moved back, but not to the right hash.
            ["DELETE FROM audit_event AT 5", "UPDATE audit_head SET sequence = 4 MINE"],
            "the head is not that of event 4",
        ),
        (
            # Two events change places.
            [
                "UPDATE audit_event SET sequence = 99 AT 2",
                "UPDATE audit_event SET sequence = 2 AT 3",
                "UPDATE audit_event SET sequence = 3 AT 99",
            ],
            "event 2 does not follow",
        ),
        (
            # A gap is closed by renumbering the later events.
            [
                "DELETE FROM audit_event AT 3",
                "UPDATE audit_event SET sequence = 3 AT 4",
                "UPDATE audit_event SET sequence = 4 AT 5",
            ],
            "event 3 does not follow",
        ),
        (
            # A forged event is appended.
            [
                """INSERT INTO audit_event SELECT tenant_id, gen_random_uuid(), 6, occurred_at, actor_kind, actor_id,
                actor_label, 'made.up', object_type, object_id, before, after, request_id, address, hash, hash
                FROM audit_event AT 5"""
            ],
            "event 6 is not what was recorded",
        ),
    ],
)
async def test_tampering_is_found(
    chain: UUID, database: Database, settings: Settings, tamper: Tamper, statements: list[str], found: str
) -> None:
    untouched = new_id()
    await append(database, untouched, 5)
    await tamper(*statements, chain=chain)
    async with reader(settings) as connection:
        assert found in ((await verify(connection, chain)).broken or "whole")
        assert (await verify(connection, untouched)).broken is None


async def test_an_event_moved_from_another_chain_is_detected(
    chain: UUID, database: Database, settings: Settings, tamper: Tamper
) -> None:
    other = new_id()
    await append(database, other, 5)
    swap = "UPDATE audit_event SET tenant_id = :to WHERE tenant_id = :from AND sequence = 3"
    await tamper("DELETE FROM audit_event AT 3", chain=chain)
    await tamper(swap, **{"to": chain, "from": other})
    async with reader(settings) as connection:
        assert (await verify(connection, chain)).broken == "event 3 does not follow from the one before"
        assert (await verify(connection, other)).broken == "event 3 is missing"


class TestCommand:
    async def test_the_command_names_the_break_and_exits_with_1(
        self, settings: Settings, make: Factories, database: Database, tamper: Tamper
    ) -> None:
        tenant, other = await make.tenant(), await make.tenant()
        await append(database, tenant.id, 3)
        await append(database, other.id, 1)
        well = insula(settings, "audit", "verify", "--tenant", tenant.slug)
        assert (well.returncode, well.stderr) == (0, "")
        assert well.stdout.startswith("OK: 1 chain, 3 events\nhead: ")
        await tamper("UPDATE audit_event SET action = 'nothing' AT 2", chain=tenant.id)
        ill = insula(settings, "audit", "verify", "--tenant", str(tenant.id))
        assert (ill.returncode, ill.stdout) == (1, f"{tenant.id}: event 2 is not what was recorded\n")
        assert ill.stderr == "insula: 1 of 1 chains of the audit log are broken\n"
        assert insula(settings, "audit", "verify", "--tenant", other.slug).returncode == 0
        everything = insula(settings, "audit", "verify")
        assert everything.returncode == 1
        assert f"{tenant.id}: event 2 is not what was recorded\n" in everything.stdout
        # Other tests of this worker verify all chains too.
        await tamper("UPDATE audit_event SET action = 'thing.done' AT 2", chain=tenant.id)

    async def test_verifies_the_platforms_chain_and_refuses_an_unknown_tenant(self, settings: Settings) -> None:
        assert insula(settings, "audit", "verify", "--tenant", "platform").stdout.startswith("OK: 1 chain, ")
        unknown = insula(settings, "audit", "verify", "--tenant", "nobody")
        assert (unknown.returncode, unknown.stderr) == (1, "insula: there is no tenant nobody\n")
