"""Databases of the previous version, whose migrations were one chain, are upgraded to branches with all their rows."""

import gzip
import unicodedata
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from insula.apps import load
from insula.core.settings import Settings
from insula.db.catalogue.check import check_catalogue
from insula.db.engine.roles import GATE, role_url
from insula.db.migrate.revisions import DatabaseTooOld, applied
from insula.db.migrate.run import alembic_config, as_owner, former_config, migrate
from insula.db.schema.branches import chains, configured, heads
from tests.probe.installation import PRODUCT
from tests.support.databases import administer, empty_database
from tests.support.processes import insula
from tests.support.project import ROOT
from tests.support.schema import schema_of

RECORDED = gzip.decompress((ROOT / "tests" / "db" / "former_chain.sql.gz").read_bytes()).decode()
EARLIER = gzip.decompress((ROOT / "tests" / "db" / "former_chain_1200.sql.gz").read_bytes()).decode()
DECLARED = load(PRODUCT).database
AUDITED = ('public."audit_event"', 'public."audit_head"')
VERSION_TABLES = ("alembic_version", "schema_revision")
TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname IN ('public', 'jobs') AND tablename <> ALL ($1) ORDER BY 1, 2
"""

Row = dict[str, object]
Rows = dict[str, list[Row]]


@asynccontextmanager
async def newly_migrated(settings: Settings) -> AsyncIterator[Settings]:
    """Yield a new database of the product alone."""
    async with empty_database(settings) as own:
        migrate(own, DECLARED)
        yield own


@pytest.fixture
async def former(settings: Settings) -> AsyncIterator[Settings]:
    """Restore the recorded database."""
    async with empty_database(settings) as own:
        await administer(own, RECORDED)
        yield own.model_copy(update={"installation": PRODUCT})


@pytest.fixture
async def earlier(settings: Settings) -> AsyncIterator[Settings]:
    """Restore the database of the previous release, some revisions before the end of the chain."""
    async with empty_database(settings) as own:
        await administer(own, EARLIER)
        yield own.model_copy(update={"installation": PRODUCT})


async def test_a_database_of_the_previous_release_first_finishes_the_former_chain(
    earlier: Settings, settings: Settings
) -> None:
    before, progress = await rows_of_all(earlier), list[str]()
    migrate(earlier, DECLARED, say=progress.append)

    assert progress[0] == "up to 1300_events_of_a_customer"
    end = progress.index(f"up to {end_of_former_chain()}")
    assert progress[end + 1 :] == [f"up to {revision}" for revision in later_revisions()]
    assert revisions(earlier) == set(heads(DECLARED.branches).values())
    as_owner(earlier, sound)
    after = without_new_tables(await rows_of_all(earlier), before)
    assert {name: len(rows) for name, rows in after.items() if name not in AUDITED} == {
        name: len(rows) for name, rows in before.items() if name not in AUDITED
    }
    assert await normalized_user(earlier) == (unicodedata.normalize("NFC", "Jose\u0301"), "josé@acme.example")
    async with newly_migrated(settings) as fresh:
        assert without_versions(await schema_of(earlier)) == without_versions(await schema_of(fresh))
    again: list[str] = []
    migrate(earlier, DECLARED, say=again.append)
    assert again == []


async def test_an_interrupted_upgrade_continues(earlier: Settings) -> None:
    migrate(earlier, DECLARED)
    whole = without_versions(await schema_of(earlier))
    async with empty_database(earlier) as broken_off:
        await administer(broken_off, EARLIER)
        as_owner(broken_off, partly)
        assert revisions(broken_off) == set()
        migrate(broken_off, DECLARED)
        assert without_versions(await schema_of(broken_off)) == whole


def partly(connection: Connection) -> None:
    """Run two of the revisions, like a run that was killed."""
    assert DECLARED.former is not None
    config = former_config(DECLARED, DECLARED.former, connection)
    command.upgrade(config, "1400_addresses")


async def normalized_user(settings: Settings) -> tuple[str, str]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        name = await connection.fetchval("SELECT name FROM \"user\" WHERE email = 'viewer@acme.example'")
        email = await connection.fetchval("SELECT email FROM \"user\" WHERE email LIKE 'jos%@acme.example'")
    finally:
        await connection.close()
    return name, email


async def test_an_upgraded_database_equals_a_new_one(former: Settings, settings: Settings) -> None:
    before = await rows_of_all(former)
    progress: list[str] = []
    migrate(former, DECLARED, say=progress.append)

    assert revisions(former) == set(heads(DECLARED.branches).values())
    after = without_new_tables(await rows_of_all(former), before)
    assert without_new_columns(after, before) == before
    as_owner(former, sound)
    async with newly_migrated(settings) as fresh:
        assert without_versions(await schema_of(former)) == without_versions(await schema_of(fresh))
    migrate(former, DECLARED, say=progress.append)
    assert revisions(former) == set(heads(DECLARED.branches).values())
    assert progress == [f"up to {revision}" for revision in later_revisions()]


def test_every_table_of_the_recorded_database_has_rows() -> None:
    made = {line.split()[2] for line in RECORDED.splitlines() if line.startswith("CREATE TABLE ")}
    filled = {line.split()[2] for line in RECORDED.splitlines() if line.startswith("INSERT INTO ")}
    assert len(made) > 30
    assert made - filled == set()


async def test_processes_of_the_previous_version_stay_ready(former: Settings) -> None:
    migrate(former, DECLARED)
    connection = await asyncpg.connect(role_url(former, GATE))
    try:
        found = [row["version_num"] for row in await connection.fetch("SELECT version_num FROM alembic_version")]
    finally:
        await connection.close()
    assert found == [end_of_former_chain()]


async def test_an_older_database_is_refused_with_the_version_to_install_first(former: Settings) -> None:
    await administer(former, "UPDATE alembic_version SET version_num = '1100_custom_roles'")
    with pytest.raises(
        DatabaseTooOld, match=f"at 1100_custom_roles; this version continues from {end_of_former_chain()}: install"
    ):
        migrate(former, DECLARED)
    assert revisions(former) == set()
    refused = insula(former, "migrate")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert refused.stderr.startswith("insula: the database is at 1100_custom_roles; ")


async def test_an_app_that_is_installed_later_adopts_its_tables(former: Settings) -> None:
    installed = tuple(each for each in DECLARED.branches if each.name != "billing")
    migrate(former, replace(DECLARED, branches=installed))
    assert "billing_0001" not in revisions(former)
    migrate(former, DECLARED)
    assert revisions(former) == set(heads(DECLARED.branches).values())
    as_owner(former, sound)


async def test_a_downgraded_branch_is_created_again(former: Settings) -> None:
    migrate(former, DECLARED)
    as_owner(former, lambda connection: command.downgrade(alembic_config(DECLARED, connection), "billing@base"))
    assert "billing_0001" not in revisions(former)
    migrate(former, DECLARED)
    assert revisions(former) == set(heads(DECLARED.branches).values())
    as_owner(former, sound)


def sound(connection: Connection) -> None:
    of_the_probe = ("rack: ", "book: ")  # its models are loaded, but its tables are not in this database
    assert [finding for finding in check_catalogue(connection, DECLARED) if not finding.startswith(of_the_probe)] == []


def revisions(settings: Settings) -> set[str]:
    found: set[str] = set()
    as_owner(settings, lambda connection: found.update(applied(connection)))
    return found


def end_of_former_chain() -> str | None:
    return chains(DECLARED.branches)["kernel"].replaces


def later_revisions() -> list[str]:
    """Return the revisions that the single chain did not have: those of further apps and resources."""
    script, found = ScriptDirectory.from_config(configured(DECLARED.branches)), list[str]()
    for chain in chains(DECLARED.branches).values():
        steps = [step.revision for step in script.iterate_revisions(chain.head, "base")]
        found += [revision for revision in reversed(steps) if revision != chain.baseline or chain.replaces is None]
    return found


def without_new_tables(after: Rows, before: Rows) -> Rows:
    """Leave out the tables that later revisions made; these are empty."""
    new = after.keys() - before.keys()
    assert {name: after[name] for name in new} == {name: [] for name in new}
    assert later_revisions() or not new
    return {name: rows for name, rows in after.items() if name not in new}


def without_new_columns(after: Rows, before: Rows) -> Rows:
    """Leave out the columns that later revisions made; these are NULL."""
    return {name: ordered(_without_new(row, before[name]) for row in rows) for name, rows in after.items()}


def _without_new(row: Row, before: list[Row]) -> Row:
    new = row.keys() - before[0].keys() if before else set()
    assert {name: row[name] for name in new} == dict.fromkeys(new)
    return {name: value for name, value in row.items() if name not in new}


def ordered(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=str)


def without_versions(schema: list[str]) -> list[str]:
    """Leave out the tables that hold revisions."""
    return [line for line in schema if not any(name in line for name in VERSION_TABLES)]


async def rows_of_all(settings: Settings) -> Rows:
    connection = await asyncpg.connect(settings.database_url)
    try:
        names = [f'{row["schemaname"]}."{row["tablename"]}"' for row in await connection.fetch(TABLES, VERSION_TABLES)]
        return {name: ordered(dict(row) for row in await connection.fetch(f"TABLE {name}")) for name in names}
    finally:
        await connection.close()
