"""Units of several tenants at once, on few connections, that write, fail and are cancelled at random."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import col, select

from insula.core.ids import new_id
from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit
from insula.db.query import rows
from insula.db.query.reading import Reading
from tenants.database import TENANTS
from tests.probe.racks.models import Rack
from tests.support.backends import Readback
from tests.support.exact import wrong_counters
from tests.support.factories import TenantRow

STEPS: Final = 6
AT_ONCE: Final = 5
BULK: Final = 7
ALL: Final = Reading(Rack, lambda: select(Rack).order_by(col(Rack.id)))
NAMES: Final = "SELECT tenant_id, name FROM rack WHERE tenant_id = ANY(:ids)"
REFUSED: Final = (DBAPIError, asyncpg.InsufficientPrivilegeError)


class Undone(Exception):
    """The work that a unit of these tests undoes."""


EXPECTED: Final = (
    *(asyncio.CancelledError, Undone),
    StaleDataError,  # two units delete one row
    asyncpg.DeadlockDetectedError,  # two units count rows of the same two tenants, in another order
)


@dataclass
class Names:
    """The names of the racks that must be there, and those that must not; names of cut off commits are in neither."""

    kept: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)


@dataclass
class Work:
    """One unit of work, and the names that its transaction has added and removed."""

    unit: Unit
    tenant_id: UUID
    foreign: UUID
    dice: random.Random
    made: list[Rack] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def name(self) -> str:
        return f"{self.tenant_id} {new_id()}"

    async def by_the_driver(self) -> None:
        self.made.append(await rows.create(self.unit, Rack, name=self.name()))

    async def by_the_session(self) -> None:
        rack = Rack(tenant_id=self.tenant_id, name=self.name())
        self.unit.session.add(rack)
        self.made.append(rack)

    async def by_a_bulk(self) -> None:
        self.made += await rows.create_all(self.unit, Rack, [{"name": self.name()} for _ in range(BULK)])

    async def delete(self) -> None:
        found = await ALL.all(self.unit)
        if found:
            await rows.delete(self.unit, found[-1])
            self.removed.append(found[-1].name)
            self.made = [rack for rack in self.made if rack.id != found[-1].id]

    async def read(self) -> None:
        there = {rack.tenant_id for rack in await ALL.all(self.unit)}
        there |= set((await self.unit.session.exec(select(Rack.tenant_id))).all())
        assert there <= {self.tenant_id}

    async def within_a_savepoint(self) -> None:
        savepoint = await self.unit.session.begin_nested()
        before = len(self.made)
        await self.by_the_driver()
        if self.dice.random() < 0.5:
            await self.by_the_session()
            await savepoint.commit()
            return
        with pytest.raises(REFUSED):
            await self.write_for_another_tenant()
        await savepoint.rollback()
        self.undone += [rack.name for rack in self.made[before:]]
        del self.made[before:]

    async def write_for_another_tenant(self) -> None:
        await rows.insert(self.unit, Rack(tenant_id=self.foreign, name=f"{self.tenant_id} as another"))

    async def fail(self) -> None:
        await self.by_the_driver()
        with pytest.raises(IntegrityError):
            await rows.create(self.unit, Rack, name=self.made[-1].name)
        raise Undone

    async def be_refused(self) -> None:
        await self.by_the_driver()
        with pytest.raises(REFUSED):
            await self.write_for_another_tenant()
        raise Undone

    async def enter_another_tenant(self) -> None:
        await self.unit.enter(self.foreign)
        assert {rack.tenant_id for rack in await ALL.all(self.unit)} <= {self.foreign}
        await rows.create(self.unit, Rack, name=f"{self.foreign} {new_id()}")
        await self.unit.enter(self.tenant_id)

    async def run(self) -> None:
        steps: Sequence[Callable[[], Awaitable[None]]] = (
            *(self.by_the_driver, self.by_the_session, self.by_a_bulk, self.delete, self.read) * 2,
            *(self.within_a_savepoint, self.enter_another_tenant, self.fail, self.be_refused),
        )
        for step in self.dice.choices(steps, k=self.dice.randint(1, STEPS)):
            await step()


async def write_at_random(database: Database, tenants: Sequence[TenantRow], rounds: int, seed: int) -> Names:
    """Run units at once for ``rounds``; return the names of the racks that must and must not be there."""
    dice, names = random.Random(seed), Names()  # noqa: S311 - repeatable, not secret

    async def work(tenant: TenantRow, foreign: TenantRow, own: random.Random) -> None:
        committing = False
        one = Work(database.unit(TENANTS, tenant.id), tenant.id, foreign.id, own)
        try:
            await one.run()
            committing = True
            await one.unit.commit()
            names.kept |= {rack.name for rack in one.made}
            names.undone |= {*one.undone, *one.removed}
            names.kept -= set(one.removed)
        except BaseException:
            if not committing:
                names.undone |= {*one.undone, *(rack.name for rack in one.made)}
            raise
        finally:
            await one.unit.close()
            names.kept -= set(one.removed)  # of a commit that was cut off: they may be there or not

    for _ in range(rounds):
        tasks = []
        for _ in range(AT_ONCE):
            tenant, foreign = dice.sample(list(tenants), 2)
            own = random.Random(dice.random())  # noqa: S311 - as above
            tasks.append(asyncio.create_task(work(tenant, foreign, own)))
        for task in tasks:
            for _ in range(dice.randrange(12)):
                await asyncio.sleep(0)
            if dice.random() < 0.4:
                asyncio.get_running_loop().call_later(dice.random() * 0.02, task.cancel)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert outcome is None or isinstance(outcome, EXPECTED), repr(outcome)
    return names


async def check_writes(readback: Readback, tenants: Sequence[TenantRow], names: Names) -> None:
    """Check that each tenant has exactly its own rows, and that the counters are exact."""
    ids = [tenant.id for tenant in tenants]
    there = await readback(NAMES, ids=ids)
    assert [row for row in there if not str(row["name"]).startswith(f"{row['tenant_id']} ")] == []
    found = {str(row["name"]) for row in there}
    assert names.kept <= found
    assert not names.undone & found
    assert await wrong_counters(readback, ids) == []
