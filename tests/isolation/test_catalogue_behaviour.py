"""Every app role tries every command on every table of two tenants; the probes report each removed protection.

The probes are in ``tests.isolation.behaviour``.
"""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from insula.core.settings import Settings
from insula.db.migrate.run import migrate
from insula.db.schema.base import metadata
from tests.isolation.behaviour import Findings, TableReport, TenantPair, behave, probe
from tests.isolation.behaviour.database import probe_database
from tests.support.apps import DECLARED

QUEUE = {
    right.name for right in DECLARED.queue_rights if right.privilege == "SELECT" and not right.name.endswith("_seq")
}
TABLES = sorted({*metadata.tables, *QUEUE, "schema_revision"})
MINE = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
UNSET = "nullif(current_setting('app.tenant_id', true), '') IS NULL"
COMPOSITE = "fk_book_tenant_id_rack_id"
GRANT_TEMP = text(
    "DO $$ BEGIN EXECUTE format('GRANT TEMP ON DATABASE %I TO PUBLIC', current_database()); END $$",
)

MUTANTS = {
    "no policy": ("invitation", "DROP POLICY tenant_isolation ON invitation", "SELECT mine: does not work"),
    "row-level security switched off": (
        "api_key",
        "ALTER TABLE api_key DISABLE ROW LEVEL SECURITY",
        "SELECT theirs: reaches 1 rows",
    ),
    "FORCE removed": (
        "entitlement",
        "ALTER TABLE entitlement NO FORCE ROW LEVEL SECURITY",
        "insula_owner: SELECT without a tenant: reaches 1 rows",
    ),
    "an open USING": (
        "idempotency_record",
        "ALTER POLICY tenant_isolation ON idempotency_record USING (true)",
        "insula_tenants: DELETE theirs: reaches 1 rows",
    ),
    "an open WITH CHECK": (
        "custom_role",
        "ALTER POLICY tenant_isolation ON custom_role WITH CHECK (true)",
        "insula_tenants: INSERT theirs: reaches 1 rows",
    ),
    "everything where no tenant is set": (
        "audit_event",
        f"ALTER POLICY tenant_isolation ON audit_event USING ({MINE} OR {UNSET})",
        "insula_tenants: SELECT without a tenant: reaches 1 rows",
    ),
    "another policy": (
        "tenant_domain",
        "CREATE POLICY open ON tenant_domain FOR SELECT TO insula_tenants USING (true)",
        "insula_tenants: COPY TO, theirs: reaches 1 rows",
    ),
    "a grant on a table": ("credential", "GRANT SELECT ON credential TO insula_tenants", "SELECT of password_hash"),
    "a grant on a column": (
        "signing_key",
        "GRANT SELECT (private_sealed) ON signing_key TO insula_gate",
        "insula_gate: SELECT of private_sealed",
    ),
    "TRUNCATE": (
        "tenant_usage",
        "GRANT TRUNCATE ON tenant_usage TO insula_tenants",
        "insula_tenants: TRUNCATE: reaches 1 rows",
    ),
    "a grant that is gone": (
        "job_effect",
        "REVOKE INSERT ON job_effect FROM insula_worker",
        "insula_worker: INSERT mine: does not work",
    ),
    "a unique id": ("rack", "ALTER TABLE rack ADD UNIQUE (id)", "INSERT mine, with their values: does not work"),
    "a reference by the id alone": (
        "book",
        f"ALTER TABLE book DROP CONSTRAINT {COMPOSITE}, ADD FOREIGN KEY (rack_id) REFERENCES rack (id)",
        "insula_tenants: INSERT under their rack: reaches 1 rows",
    ),
    "a chain that anybody may write": (
        "audit_head",
        "DROP TRIGGER only_by_event ON audit_head",
        "insula_tenants: UPDATE mine: reaches 1 rows",
    ),
    "jobs for any tenant": (
        "procrastinate_jobs",
        "DROP TRIGGER guard_job ON jobs.procrastinate_jobs",
        "insula_worker: INSERT theirs: reaches 1 rows",
    ),
}
"""Table, statement that breaks it, finding; each uses another table, so that one run shows them all."""


@pytest.fixture(scope="module")
async def pair(settings: Settings) -> AsyncIterator[TenantPair]:
    async with TenantPair.open(settings) as pair:
        yield pair


@pytest.mark.parametrize("table", TABLES)
async def test_every_role_has_only_the_declared_access(table: str, pair: TenantPair) -> None:
    subject = next(subject for subject in pair.subjects if subject.table.name == table)
    found = await probe(pair, subject)
    assert found.failures == []
    assert found.controls_passed == found.controls > 0
    assert found.attempts > 0


async def test_nothing_bypasses_the_tables(pair: TenantPair) -> None:
    found = Findings("the database")
    await probe_database(pair, found)
    assert found.failures == []
    assert found.controls_passed == found.controls > 0


async def test_every_table_is_probed(pair: TenantPair) -> None:
    assert sorted(subject.table.name for subject in pair.subjects) == TABLES


@pytest.fixture(scope="module")
async def mutated(settings: Settings) -> AsyncIterator[Settings]:
    """Migrate a database for this module alone, then remove its protections."""
    name = f"mutant_{secrets.token_hex(4)}"
    here = make_url(settings.database.direct_url or settings.database_url).set(drivername="postgresql")
    there = here.set(database=name).render_as_string(hide_password=False)
    server = await asyncpg.connect(here.render_as_string(hide_password=False))
    await server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    direct = settings.database.model_copy(update={"direct_url": "", "pooler": False})
    own = settings.model_copy(update={"database_url": there, "database": direct})
    migrate(own, DECLARED)
    connection = await asyncpg.connect(there)
    for _, statement, _ in MUTANTS.values():
        await connection.execute(statement)
    await connection.close()
    yield own
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture(scope="module")
async def report(mutated: Settings) -> TableReport:
    return await behave(mutated, [*(table for table, _, _ in MUTANTS.values()), "membership", "user"])


@pytest.mark.parametrize(("table", "finding"), [(each[0], each[2]) for each in MUTANTS.values()], ids=MUTANTS.keys())
async def test_the_probes_report_each_removed_protection(table: str, finding: str, report: TableReport) -> None:
    assert [line for line in report.failures if line.startswith(f"{table}: ") and finding in line]


async def test_the_probes_find_nothing_in_intact_tables(report: TableReport) -> None:
    assert (report.tables, report.tables_passed) == (len(MUTANTS) + 2, 2)
    assert not report.sound
    assert not [line for line in report.failures if line.startswith(("membership: ", "user: "))]


async def test_the_probes_report_a_bypass_of_the_tables(mutated: Settings) -> None:
    made = "insula_tenants: a temporary table: reaches 1 rows"
    async with TenantPair.open(mutated) as pair:
        before, after = Findings("before"), Findings("after")
        await probe_database(pair, before)
        await pair.superuser.execute(GRANT_TEMP)
        await pair.superuser.commit()
        await probe_database(pair, after)
    assert any("insula_tenants: statistics of tenants' tables: reaches" in line for line in before.failures)
    assert f"before: {made}" not in before.failures
    assert f"after: {made}" in after.failures
