"""Fault 14: each bypass of row-level security is shown to leak, and the catalogue check names it."""

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
from tests.support.roles import change

EVERY_ROW = "SELECT * FROM tenant_domain"
COUNT_OTHERS = """
BEGIN
    SELECT ''others '' || count(*) INTO NEW.token FROM tenant_domain WHERE tenant_id <> NEW.tenant_id;
    RETURN NEW;
END
"""
SEES_OTHERS = (
    "WITH made AS (INSERT INTO tenant_domain (tenant_id, id, host, created_at) "
    "VALUES (:mine, gen_random_uuid(), 'bypass.example.com', now()) RETURNING token) "
    "SELECT 1 FROM made WHERE token ~ '^others [1-9]'"
)
ALL_ROWS = "SELECT 1 FROM {source} WHERE tenant_id = :theirs"


@dataclass(frozen=True)
class Bypass:
    """Statements that open a bypass, a statement and role that use it, and the finding of the catalogue check."""

    setup: tuple[str, ...]
    exploit: str
    finding: str
    role: str = "insula_tenants"


BYPASSES = {
    "a plain view": Bypass(
        ("CREATE VIEW bypass AS SELECT * FROM tenant_domain", "GRANT SELECT ON bypass TO insula_tenants"),
        ALL_ROWS.format(source="bypass"),
        "view bypass is not security_invoker: it shows every tenant",
    ),
    "a materialised view": Bypass(
        ("CREATE MATERIALIZED VIEW bypass AS SELECT * FROM tenant_domain", "GRANT SELECT ON bypass TO insula_tenants"),
        ALL_ROWS.format(source="bypass"),
        "materialised view bypass holds every tenant",
    ),
    "a definer function": Bypass(
        (f"CREATE FUNCTION bypass() RETURNS SETOF tenant_domain LANGUAGE sql SECURITY DEFINER AS '{EVERY_ROW}'",),
        ALL_ROWS.format(source="bypass()"),
        "function bypass is SECURITY DEFINER: it bypasses row-level security",
    ),
    "a definer function that a trigger calls": Bypass(
        (
            f"CREATE FUNCTION bypass() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS '{COUNT_OTHERS}'",
            "CREATE TRIGGER bypass BEFORE INSERT ON tenant_domain FOR EACH ROW EXECUTE FUNCTION bypass()",
        ),
        SEES_OTHERS,
        "function bypass is SECURITY DEFINER: it bypasses row-level security",
    ),
    "a policy that is true": Bypass(
        ("CREATE POLICY bypass ON tenant_domain FOR SELECT USING (true)",),
        ALL_ROWS.format(source="tenant_domain"),
        "tenant_domain: policy bypass is not as declared",
    ),
    "BYPASSRLS": Bypass(
        ("ALTER ROLE insula_tenants BYPASSRLS",),
        ALL_ROWS.format(source="tenant_domain"),
        "role insula_tenants has BYPASSRLS",
    ),
    "an owner without FORCE": Bypass(
        ("ALTER TABLE tenant_domain NO FORCE ROW LEVEL SECURITY",),
        ALL_ROWS.format(source="tenant_domain"),
        "tenant_domain: row-level security is not both enabled and forced",
        role="insula_owner",
    ),
    "TRUNCATE": Bypass(
        ("GRANT TRUNCATE ON tenant_domain TO insula_tenants",),
        "TRUNCATE tenant_domain",
        "tenant_domain: insula_tenants may TRUNCATE everything, which is not declared",
    ),
    "an open WITH CHECK": Bypass(
        ("ALTER POLICY tenant_isolation ON tenant_domain WITH CHECK (true)",),
        "INSERT INTO tenant_domain VALUES (:theirs, gen_random_uuid(), 'bypass.example.com', NULL, now())",
        "tenant_domain: policy tenant_isolation is not as declared",
    ),
    "a key without the tenant": Bypass(
        (
            "ALTER TABLE tenant_domain DROP CONSTRAINT pk_tenant_domain, ADD PRIMARY KEY (id)",
            "CREATE TABLE bypass (domain uuid REFERENCES tenant_domain (id))",
            "GRANT INSERT ON bypass TO insula_tenants",
        ),
        "INSERT INTO bypass VALUES (:their_row)",
        "tenant_domain: the primary key (id) does not start with tenant_id",
    ),
    "a foreign key without the tenant": Bypass(
        (
            "ALTER TABLE tenant_domain ADD UNIQUE (id)",
            "CREATE TABLE bypass (tenant_id uuid PRIMARY KEY, domain uuid REFERENCES tenant_domain (id))",
            "GRANT INSERT ON bypass TO insula_tenants",
        ),
        "INSERT INTO bypass VALUES (:mine, :their_row)",
        "bypass: the foreign key (domain) to tenant_domain does not include the tenant",
    ),
}


async def _reaches_other_tenant(connection: AsyncConnection, bypass: Bypass, parameters: dict[str, UUID]) -> bool:
    """Return whether the role reads or changes the other tenant's rows; then reset the role."""
    savepoint = await connection.begin_nested()
    await connection.execute(text("SELECT set_config('app.tenant_id', :mine, true)"), {"mine": str(parameters["mine"])})
    await connection.execute(text(f"SET LOCAL ROLE {bypass.role}"))
    named = {name: value for name, value in parameters.items() if f":{name}" in bypass.exploit}
    try:
        result = await connection.execute(text(bypass.exploit), named)
        reached = bool(result.all()) if result.returns_rows else True
    except DBAPIError:
        reached = False
    await savepoint.rollback()
    return reached


@pytest.mark.parametrize("bypass", BYPASSES.values(), ids=BYPASSES.keys())
async def test_the_catalogue_check_names_each_bypass(bypass: Bypass, make: Factories, settings: Settings) -> None:
    mine, theirs = await make.tenant(), await make.tenant()
    their_row = await make.domain(theirs, f"{theirs.slug}.example.com")
    parameters = {"mine": mine.id, "theirs": theirs.id, "their_row": their_row.id}
    url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
    # PostgreSQL 15 reuses the plan of a prepared statement although the role's rights have changed.
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"prepared_statement_cache_size": 0})
    async with engine.connect() as connection:
        assert not await _reaches_other_tenant(connection, bypass, parameters)
        for statement in bypass.setup:
            await change(connection, statement)
        assert await _reaches_other_tenant(connection, bypass, parameters)
        assert bypass.finding in await findings(connection, DECLARED)
        await connection.rollback()
