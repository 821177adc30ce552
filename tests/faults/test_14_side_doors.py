"""FAULTS 14: each way past row-level security is shown to leak, and the catalogue gate names it."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from insula.db.catalogue.check import findings
from tests.support.apps import DECLARED
from tests.support.factories import Factories

EVERY_ROW = "SELECT * FROM tenant_domain"
COUNT_OTHERS = """
BEGIN
    SELECT ''others '' || count(*) INTO NEW.token FROM tenant_domain WHERE tenant_id <> NEW.tenant_id;
    RETURN NEW;
END
"""
SEES_OTHERS = (
    "WITH made AS (INSERT INTO tenant_domain (tenant_id, id, host, created_at) "
    "VALUES (:mine, gen_random_uuid(), 'door.example.com', now()) RETURNING token) "
    "SELECT 1 FROM made WHERE token ~ '^others [1-9]'"
)
ALL_ROWS = "SELECT 1 FROM {source} WHERE tenant_id = :theirs"


@dataclass(frozen=True)
class SideDoor:
    """How to open it, how to walk through it as whom, and what the gate says."""

    opened_by: tuple[str, ...]
    walked_by: str
    finding: str
    role: str = "insula_tenants"


DOORS = {
    "a plain view": SideDoor(
        ("CREATE VIEW door AS SELECT * FROM tenant_domain", "GRANT SELECT ON door TO insula_tenants"),
        ALL_ROWS.format(source="door"),
        "view door is not security_invoker: it shows every tenant",
    ),
    "a materialised view": SideDoor(
        ("CREATE MATERIALIZED VIEW door AS SELECT * FROM tenant_domain", "GRANT SELECT ON door TO insula_tenants"),
        ALL_ROWS.format(source="door"),
        "materialised view door holds every tenant",
    ),
    "a definer function": SideDoor(
        (f"CREATE FUNCTION door() RETURNS SETOF tenant_domain LANGUAGE sql SECURITY DEFINER AS '{EVERY_ROW}'",),
        ALL_ROWS.format(source="door()"),
        "function door is SECURITY DEFINER: it runs past row-level security",
    ),
    "a definer function that a trigger calls": SideDoor(
        (
            f"CREATE FUNCTION door() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS '{COUNT_OTHERS}'",
            "CREATE TRIGGER door BEFORE INSERT ON tenant_domain FOR EACH ROW EXECUTE FUNCTION door()",
        ),
        SEES_OTHERS,
        "function door is SECURITY DEFINER: it runs past row-level security",
    ),
    "a policy that is true": SideDoor(
        ("CREATE POLICY door ON tenant_domain FOR SELECT USING (true)",),
        ALL_ROWS.format(source="tenant_domain"),
        "tenant_domain: policy door is not as declared",
    ),
    "BYPASSRLS": SideDoor(
        ("ALTER ROLE insula_tenants BYPASSRLS",),
        ALL_ROWS.format(source="tenant_domain"),
        "role insula_tenants has BYPASSRLS",
    ),
    "an owner without FORCE": SideDoor(
        ("ALTER TABLE tenant_domain NO FORCE ROW LEVEL SECURITY",),
        ALL_ROWS.format(source="tenant_domain"),
        "tenant_domain: row-level security is not both enabled and forced",
        role="insula_owner",
    ),
    "TRUNCATE": SideDoor(
        ("GRANT TRUNCATE ON tenant_domain TO insula_tenants",),
        "TRUNCATE tenant_domain",
        "tenant_domain: insula_tenants may TRUNCATE everything, which is not declared",
    ),
    "an open WITH CHECK": SideDoor(
        ("ALTER POLICY tenant_isolation ON tenant_domain WITH CHECK (true)",),
        "INSERT INTO tenant_domain VALUES (:theirs, gen_random_uuid(), 'door.example.com', NULL, now())",
        "tenant_domain: policy tenant_isolation is not as declared",
    ),
    "a key without the tenant": SideDoor(
        (
            "ALTER TABLE tenant_domain DROP CONSTRAINT pk_tenant_domain, ADD PRIMARY KEY (id)",
            "CREATE TABLE door (domain uuid REFERENCES tenant_domain (id))",
            "GRANT INSERT ON door TO insula_tenants",
        ),
        "INSERT INTO door VALUES (:their_row)",
        "tenant_domain: the primary key (id) is not led by tenant_id",
    ),
    "a foreign key without the tenant": SideDoor(
        (
            "ALTER TABLE tenant_domain ADD UNIQUE (id)",
            "CREATE TABLE door (tenant_id uuid PRIMARY KEY, domain uuid REFERENCES tenant_domain (id))",
            "GRANT INSERT ON door TO insula_tenants",
        ),
        "INSERT INTO door VALUES (:mine, :their_row)",
        "door: the foreign key (domain) to tenant_domain leaves the tenant open",
    ),
}


async def _walks_through(connection: AsyncConnection, door: SideDoor, parameters: dict[str, UUID]) -> bool:
    """Tell whether the role reaches the other tenant; then be the superuser again."""
    savepoint = await connection.begin_nested()
    await connection.execute(text("SELECT set_config('app.tenant_id', :mine, true)"), {"mine": str(parameters["mine"])})
    await connection.execute(text(f"SET LOCAL ROLE {door.role}"))
    named = {name: value for name, value in parameters.items() if f":{name}" in door.walked_by}
    try:
        result = await connection.execute(text(door.walked_by), named)
        reached = bool(result.all()) if result.returns_rows else True
    except DBAPIError:
        reached = False
    await savepoint.rollback()
    return reached


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
async def test_the_gate_names_what_leaks(door: SideDoor, make: Factories, settings: Settings) -> None:
    mine, theirs = await make.tenant(), await make.tenant()
    their_row = await make.domain(theirs, f"{theirs.slug}.example.com")
    parameters = {"mine": mine.id, "theirs": theirs.id, "their_row": their_row.id}
    url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
    # PostgreSQL 15 keeps the plan of a statement that it has prepared, whatever the role may do since.
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"prepared_statement_cache_size": 0})
    async with engine.connect() as connection:
        assert not await _walks_through(connection, door, parameters)
        for statement in door.opened_by:
            await connection.exec_driver_sql(statement)
        assert await _walks_through(connection, door, parameters)
        assert door.finding in await findings(connection, DECLARED)
        await connection.rollback()
