"""A migration adds an entitlement to plans and grants it to their tenants."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.errors import ManifestError
from insula.core.settings import Settings
from insula.db.migrate.plans import grant_in_plans, revoke_in_plans
from insula.db.migrate.run import as_owner
from insula.db.schema.branches import Branch
from insula.db.schema.declarations import DatabasePart, Declarations, merged
from insula.db.schema.kernel import KERNEL
from tests.support.apps import DECLARED, INSTALLATION
from tests.support.cluster import superuser_url
from tests.support.databases import migrated_database
from tests.support.factories import Factories

KEY = "labels"
PLANS = replace(DECLARED, plans="probe_plan")
"""The installation's declarations, with this test's table of plans in place of the product's."""
TABLE = (
    "CREATE TABLE probe_plan (key text PRIMARY KEY, entitlements jsonb NOT NULL DEFAULT '{}')",
    "INSERT INTO probe_plan VALUES ('free'), ('pro')",
)


@pytest.fixture
async def own(settings: Settings) -> AsyncIterator[Settings]:
    async with migrated_database(settings) as own:
        as_owner(own, _make_plans)
        yield own


@pytest.fixture
async def engine(own: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(superuser_url(own), poolclass=NullPool)
    yield engine
    await engine.dispose()


def _make_plans(connection: Connection) -> None:
    for statement in TABLE:
        connection.exec_driver_sql(statement)
    connection.commit()


def in_a_migration(own: Settings, work: Callable[[], None], declared: Declarations = PLANS) -> None:
    def run(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection, opts={"declared": declared})):
            work()
        connection.commit()

    as_owner(own, run)


async def plans(engine: AsyncEngine) -> dict[str, int | None]:
    async with engine.connect() as connection:
        rows = await connection.execute(text(f"SELECT key, (entitlements ->> '{KEY}')::int AS value FROM probe_plan"))  # noqa: S608  # our key
        return {row.key: row.value for row in rows}


async def granted(engine: AsyncEngine, tenant_id: UUID) -> dict[str, int]:
    async with engine.connect() as connection:
        query = text("SELECT key, value FROM entitlement WHERE tenant_id = :id")
        return {row.key: row.value for row in await connection.execute(query, {"id": tenant_id})}


async def test_plans_and_their_tenants_get_the_entitlement(own: Settings, engine: AsyncEngine) -> None:
    make = Factories(engine)
    free, pro = await make.tenant("free"), await make.tenant("pro")
    more = await make.tenant("pro", entitlements={KEY: 7})
    before = await granted(engine, free.id), await granted(engine, pro.id)

    in_a_migration(own, lambda: grant_in_plans(KEY, {"pro": 1_000}))

    assert {key: value for key, value in (await plans(engine)).items() if value is not None} == {"pro": 1_000}
    assert (await granted(engine, free.id), await granted(engine, pro.id)) == (before[0], {**before[1], KEY: 1_000})
    assert await granted(engine, more.id) == {KEY: 7}  # what staff granted stays

    in_a_migration(own, lambda: revoke_in_plans(KEY))

    assert set((await plans(engine)).values()) == {None}
    assert (await granted(engine, free.id), await granted(engine, pro.id)) == before


async def test_a_plan_that_does_not_exist_is_an_error(own: Settings, engine: AsyncEngine) -> None:
    with pytest.raises(LookupError, match=r"there is no plan 'platinum'; there are .*free.*pro"):
        in_a_migration(own, lambda: grant_in_plans(KEY, {"pro": 3, "platinum": 10}))
    assert set((await plans(engine)).values()) == {None}


async def test_without_plans_a_grant_changes_nothing(own: Settings, engine: AsyncEngine) -> None:
    tenant = await Factories(engine).tenant("pro", entitlements={})
    without = replace(PLANS, plans=None)
    in_a_migration(own, lambda: grant_in_plans(KEY, {"pro": 3}), without)
    in_a_migration(own, lambda: revoke_in_plans(KEY), without)
    assert set((await plans(engine)).values()) == {None}
    assert await granted(engine, tenant.id) == {}


def test_the_plans_exist_before_other_branches_add_entitlements() -> None:
    notes, shop = (Branch(name, Path(name)) for name in ("notes", "shop"))
    first = DatabasePart(owner="notes", branches=(notes,))
    last = DatabasePart(owner="shop", branches=(shop,), plans="plan_of_shop")
    assert [branch.name for branch in merged(KERNEL, first, last).branches] == ["kernel", "shop", "notes"]
    assert {branch.name for app in INSTALLATION.apps for branch in app.declared.branches} == {
        branch.name for branch in DECLARED.branches
    } - {"kernel"}


def test_two_apps_cannot_declare_the_plans() -> None:
    one, other = (DatabasePart(owner=name, plans=f"plan_of_{name}") for name in ("shop", "kiosk"))
    assert merged(KERNEL, one).plans == "plan_of_shop"
    with pytest.raises(ManifestError, match="the plans: declared by shop and by kiosk"):
        merged(KERNEL, one, other)
