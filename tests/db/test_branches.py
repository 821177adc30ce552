"""Branches of migrations: valid and invalid ones, and databases that have more or other branches."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.core.settings import Settings
from insula.db.catalogue.check import check_catalogue
from insula.db.migrate.drafting import draft
from insula.db.migrate.revisions import applied
from insula.db.migrate.run import alembic_config, as_owner, downgrade, migrate
from insula.db.schema.branches import Branch, BranchError, Revision, behind, by_branch, chains, heads
from insula.db.schema.declarations import Declarations
from tests.support.apps import DECLARED
from tests.support.databases import NextVersion, administer, empty_database, migrated_database

REVISION = """
revision = "{revision}"
down_revision = {before!r}
branch_labels = {labels!r}
depends_on = {needs!r}


def upgrade():
    pass


def downgrade():
    pass
"""
PRODUCT_REVISION = """
from alembic import op
from sqlalchemy import Column, Text

from insula.db.schema.base import tenant_fk
from insula.db.schema.ddl import create_tenant_table

revision = "{name}_0001"
down_revision = None
branch_labels = ("{name}",)


def upgrade():
    create_tenant_table("{table}", Column("body", Text, nullable=False))


def downgrade():
    op.drop_table("{table}")
"""
TABLE_EXISTS = text("SELECT to_regclass(:table) IS NOT NULL")


@pytest.fixture
async def scratch(settings: Settings) -> AsyncIterator[Settings]:
    """Migrate a database for this test alone."""
    async with migrated_database(settings) as own:
        yield own


def write(
    folder: Path, revision: str, before: str | None = None, labels: object = None, needs: object = None, file: str = ""
) -> None:
    folder.mkdir(exist_ok=True)
    source = REVISION.format(revision=revision, before=before, labels=labels, needs=needs)
    (folder / f"{file or revision}.py").write_text(source)


def chain(folder: Path, *revisions: str) -> Branch:
    """Write a branch named after its folder."""
    for before, revision in zip((None, *revisions), revisions, strict=False):
        write(folder, revision, before, None if before else (folder.name,))
    return Branch(folder.name, folder)


def product(folder: Path, table: str = "note") -> Branch:
    """Write a product's branch with one table."""
    folder.mkdir()
    (folder / "20261201_1000.py").write_text(PRODUCT_REVISION.format(name=folder.name, table=table))
    return Branch(folder.name, folder)


def test_a_branch_is_one_chain_with_rising_numbers(tmp_path: Path) -> None:
    notes = chain(tmp_path / "notes", "notes_0001", "notes_0002_more", "notes_0005")
    kernel = chain(tmp_path / "kernel", "kernel_0001")

    found = chains([kernel, notes])

    assert list(found) == ["kernel", "notes"]
    assert found["notes"] == ("notes_0001", "notes_0005", None)
    assert heads([kernel, notes]) == {"kernel": "kernel_0001", "notes": "notes_0005"}


@pytest.mark.parametrize(
    ("revision", "arguments", "complaint"),
    [
        (
            "notes_0003",
            {"before": "notes_0001"},
            "it has two heads, notes_0002 and notes_0003: put one after the other",
        ),
        ("notes_0003", {"labels": ("later",)}, "it begins twice, with notes_0001 and notes_0003"),
        ("notes_0002", {"before": "notes_0001", "file": "twin"}, "has the revision of another file"),
        ("notes_0000", {"before": "notes_0002"}, "notes_0000 follows notes_0002: numbers rise along a branch"),
        (
            "other_0003",
            {"before": "notes_0002"},
            "the revision other_0003 is named after another branch: name it notes_…",
        ),
        ("notes_0003", {"before": "kernel_0001"}, "notes_0003 follows kernel_0001, of another branch"),
        ("notes_0003", {"before": "notes_0002", "needs": "kernel_0001"}, "notes_0003 has depends_on"),
        ("later", {"before": "notes_0002"}, "revision later: a name is <branch>_<number of four digits>"),
        ("notes_0003", {"before": "notes_0009"}, "notes_0009"),
    ],
    ids=["two heads", "two bases", "twice", "falling", "another's name", "elsewhere", "depends", "no number", "gap"],
)
@pytest.mark.filterwarnings("ignore:Revision")
def test_an_invalid_chain_is_refused_with_its_reason(
    tmp_path: Path, revision: str, arguments: dict[str, str], complaint: str
) -> None:
    notes = chain(tmp_path / "notes", "notes_0001", "notes_0002")
    kernel = chain(tmp_path / "kernel", "kernel_0001")
    write(notes.folder, revision, **arguments)

    with pytest.raises(BranchError) as refused:
        chains([kernel, notes])

    assert complaint in str(refused.value)


def test_a_branch_needs_a_revision_and_a_label(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BranchError, match="branch empty: there is no revision in "):
        chains([Branch("empty", tmp_path / "empty")])
    write(tmp_path / "notes", "notes_0001")
    with pytest.raises(BranchError, match=r'notes_0001 is the first: it needs branch_labels = \("notes",\)'):
        chains([Branch("notes", tmp_path / "notes")])


def test_a_database_is_behind_in_branches_that_are_missing_or_older() -> None:
    expected = {"kernel": "kernel_0002", "notes": "notes_0001"}

    assert behind([], expected) == ("kernel", "notes")
    assert behind(["kernel_0001", "notes_0001"], expected) == ("kernel",)
    assert behind(["kernel_0002", "notes_0001"], expected) == ()
    assert behind(["kernel_0003_later", "notes_0001", "another_0007"], expected) == ()
    assert behind(["kernel_0002_another", "notes_0001"], expected) == ("kernel",)


def test_the_name_of_a_revision_has_its_branch_and_number() -> None:
    assert Revision.of("two_words_0012_and_more_0003") == ("two_words", 12)


async def test_an_installation_without_a_products_branch_leaves_it_unchanged(
    settings: Settings, tmp_path: Path
) -> None:
    products = replace(DECLARED, branches=(*DECLARED.branches, product(tmp_path / "notes")))
    async with empty_database(settings) as own:
        migrate(own, products)
        assert revisions(own) == set(heads(products.branches).values())
        assert "notes_0001" in revisions(own)
        progress: list[str] = []
        migrate(own, DECLARED, say=progress.append)
        assert progress == []
        assert revisions(own) == {*heads(DECLARED.branches).values(), "notes_0001"}
        assert exists(own, "note")


@pytest.mark.parametrize(("name", "made"), [("probe", "rack"), ("admin", "ix_audit_event_occurred_at_id")])
async def test_an_installation_can_add_a_branch_later(settings: Settings, name: str, made: str) -> None:
    fewer = without(name)
    async with empty_database(settings) as own:
        migrate(own, fewer)
        assert revisions(own) == set(heads(fewer.branches).values())
        assert not exists(own, made)
        migrate(own, DECLARED)
        assert revisions(own) == set(heads(DECLARED.branches).values())
        as_owner(own, sound)


async def test_a_downgrade_drops_referencing_tables_first(scratch: Settings) -> None:
    as_owner(scratch, lambda connection: downgrade(connection, DECLARED))
    assert revisions(scratch) == set()
    assert not exists(scratch, "tenant")
    migrate(scratch, DECLARED)
    as_owner(scratch, sound)


async def test_a_database_that_is_ahead_is_not_changed(scratch: Settings, tmp_path: Path) -> None:
    newer = NextVersion(tmp_path, "kernel")
    newer.add("kernel_0099_later", "CREATE TABLE later ()")
    migrate(scratch, newer.declared)
    progress: list[str] = []
    migrate(scratch, DECLARED, say=progress.append)
    assert progress == ["kernel: the database is at kernel_0099_later, which belongs to a later version"]
    assert "kernel_0099_later" in revisions(scratch)
    assert behind(revisions(scratch), heads(DECLARED.branches)) == ()


async def test_two_heads_of_a_branch_are_refused(scratch: Settings, tmp_path: Path) -> None:
    newer = NextVersion(tmp_path, "probe")
    newer.add("probe_0098", "CREATE TABLE later ()")
    write(newer.folder, "probe_0099", "probe_0001")
    before = revisions(scratch)
    with pytest.raises(BranchError, match="branch probe: it has two heads, probe_0098 and probe_0099"):
        migrate(scratch, newer.declared)
    assert revisions(scratch) == before


async def test_alembic_downgrades_each_branch_to_its_base(scratch: Settings) -> None:
    def down(name: str, connection: Connection) -> None:
        command.downgrade(alembic_config(DECLARED, connection), f"{name}@base")

    for branch in reversed(DECLARED.branches):
        as_owner(scratch, partial(down, branch.name))
        assert branch.name not in by_branch(revisions(scratch))
    assert revisions(scratch) == set()


async def test_a_draft_adds_the_missing_tables_under_the_next_number(scratch: Settings, tmp_path: Path) -> None:
    await administer(scratch, "DROP INDEX ix_rack_tenant_id_created_at_id")
    newer = NextVersion(tmp_path, "probe")
    as_owner(scratch, drafting(newer.declared, "probe", "Sort racks by time"))
    [written] = newer.folder.glob("*_sort_racks_by_time.py")
    assert heads(newer.declared.branches)["probe"] == "probe_0002_sort_racks_by_time"
    assert "op.create_index(" in written.read_text()
    migrate(scratch, newer.declared)
    as_owner(scratch, sound)


async def test_a_draft_creates_the_first_revision_of_a_branch(scratch: Settings, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    products = replace(DECLARED, branches=(*DECLARED.branches, Branch("notes", tmp_path / "notes")))
    as_owner(scratch, drafting(products, "notes", "Notes"))
    assert heads(products.branches)["notes"] == "notes_0001"
    with pytest.raises(BranchError, match="there is no branch nowhere: the branches are kernel, "):
        as_owner(scratch, drafting(products, "nowhere", "Notes"))


def without(name: str) -> Declarations:
    return replace(DECLARED, branches=tuple(branch for branch in DECLARED.branches if branch.name != name))


def drafting(declared: Declarations, branch: str, message: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        draft(connection, declared, branch, message)

    return work


def sound(connection: Connection) -> None:
    assert check_catalogue(connection, DECLARED) == []


def revisions(settings: Settings) -> set[str]:
    found: set[str] = set()
    as_owner(settings, lambda connection: found.update(applied(connection)))
    return found


def exists(settings: Settings, name: str) -> bool:
    found: list[bool] = []
    look = {"table": name}
    as_owner(settings, lambda connection: found.append(connection.execute(TABLE_EXISTS, look).scalar_one()))
    return found == [True]
