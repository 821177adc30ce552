"""Migrations normalize text that was stored under looser rules."""

import itertools
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.audit import PLATFORM
from insula.core.settings import Settings
from insula.core.text.collation import sort_key
from insula.db.migrate import backfill
from insula.db.migrate.backfill import Lines
from insula.db.migrate.run import as_owner
from insula.db.schema.ddl import record_migration, tenants_in_turn
from tests.support.apps import DECLARED
from tests.support.databases import migrated_database


@pytest.fixture
async def scratch(settings: Settings) -> AsyncIterator[Settings]:
    """Migrate a database for this test alone."""
    async with migrated_database(settings) as own:
        yield own


class Rows:
    """Inserts and reads rows as the owner role, which sees only the rows of the tenant that it has entered."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ids = (UUID(int=number) for number in itertools.count(1))  # in order of creation

    def enter(self, tenant_id: UUID | None) -> None:
        self.run("SELECT set_config('app.tenant_id', :id, true)", id=str(tenant_id or ""))

    def run(self, statement: str, **values: object) -> list[Mapping[str, Any]]:
        result = self.connection.execute(text(statement), values)
        return [dict(row) for row in result.mappings().all()] if result.returns_rows else []

    def tenant(self, name: str = "Name") -> UUID:
        tenant_id = next(self.ids)
        self.enter(tenant_id)
        self.run(
            "INSERT INTO tenant (id, created_at, updated_at, version, slug, name, status, plan) "
            "VALUES (:id, now(), now(), 1, :slug, :name, 'active', 'free')",
            id=tenant_id,
            slug=tenant_id.hex,
            name=name,
        )
        return tenant_id

    def user(self, email: str, name: str = "Bob") -> UUID:
        user_id = next(self.ids)
        self.run(
            'INSERT INTO "user" (id, created_at, updated_at, version, email, name, status) '
            "VALUES (:id, now(), now(), 1, :email, :name, 'active')",
            id=user_id,
            email=email,
            name=name,
        )
        return user_id

    def member(self, tenant_id: UUID, user_id: UUID, email: str, name: str = "Bob") -> None:
        self.run(
            "INSERT INTO membership (tenant_id, id, created_at, updated_at, version, user_id, role, email, name) "
            "VALUES (:tenant_id, :id, now(), now(), 1, :user_id, 'member', :email, :name)",
            tenant_id=tenant_id,
            id=next(self.ids),
            user_id=user_id,
            email=email,
            name=name,
        )

    def rack(self, tenant_id: UUID, name: str, description: str = "") -> UUID:
        rack_id = next(self.ids)
        self.run(
            "INSERT INTO rack (tenant_id, id, created_at, updated_at, version, name, description, status) "
            "VALUES (:tenant_id, :id, now(), now(), 1, :name, :description, 'active')",
            tenant_id=tenant_id,
            id=rack_id,
            name=name,
            description=description,
        )
        return rack_id

    def books(self, tenant_id: UUID, rack_id: UUID, *titles: str) -> None:
        for title in titles:
            self.run(
                "INSERT INTO book (tenant_id, id, created_at, updated_at, version, rack_id, title, body, "
                "status, position) VALUES (:tenant_id, :id, now(), now(), 1, :rack_id, :title, '', 'open', 0)",
                tenant_id=tenant_id,
                id=next(self.ids),
                rack_id=rack_id,
                title=title,
            )

    def events(self, chain: UUID) -> list[tuple[object, object]]:
        self.enter(chain)
        found = self.run("SELECT action, after FROM audit_event WHERE tenant_id = :id ORDER BY sequence", id=chain)
        return [(row["action"], row["after"]) for row in found]


CHAINED = (
    Lines("tenant", "name", "name_key", longest=120),
    Lines("membership", "name", "name_key", longest=120),
    Lines("rack", "name", "name_key", longest=120, unique=True),
    Lines("book", "title", "title_key", longest=200),
)
NFC_ALONE = "UPDATE rack SET description = normalize(description, NFC) WHERE description IS NOT NFC NORMALIZED"


def normalize_names(connection: Connection) -> None:
    """Normalize every name, as a migration does for rows that are older than a rule."""

    def spell(lines: Lines, chain: UUID) -> None:
        for change in backfill.one_spelling(connection, lines):
            record_migration(
                chain,
                f"{lines.table}.respelled",
                object_type=lines.table,
                object_id=change.id,
                before={lines.column: change.before},
                after={lines.column: change.after},
            )

    with Operations.context(MigrationContext.configure(connection, opts={"declared": DECLARED})):
        spell(Lines("user", "name", "name_key", longest=120), PLATFORM)
        for tenant_id in tenants_in_turn():
            for lines in CHAINED:
                spell(lines, tenant_id)
            connection.execute(text(NFC_ALONE))
    connection.commit()


NFD, NFC = "Cafe\u0301", "Caf\u00e9"


async def test_names_are_normalized_numbered_on_collision_and_get_sort_keys(
    scratch: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "BATCH", 2)

    def walk(connection: Connection) -> None:
        rows = Rows(connection)
        tenant, other = rows.tenant(f"Acme\u202e {NFD}"), rows.tenant("\u200b")
        rows.enter(other)
        rows.rack(other, NFD)
        rows.enter(tenant)
        rows.member(tenant, rows.user("ada@example.com", f"\u202e{NFD}"), "ada@example.com", f"\u202e{NFD}")
        first = rows.rack(tenant, NFD, description=NFD)
        for name in (NFC, f"{NFC} (2)", f"{NFC}\u200b", "Z", "\u00c4", "x" * 119 + "e\u0301" + "y" * 40, "\u3164"):
            rows.rack(tenant, name)
        rows.books(tenant, first, "b", f"\u2066a{NFD}", "B", "\u00e4", "z")
        connection.commit()
        normalize_names(connection)

        rows.enter(tenant)
        kept = [row["name"] for row in rows.run("SELECT name FROM rack ORDER BY id")]
        assert kept == [
            f"{NFC} (3)", NFC, f"{NFC} (2)", f"{NFC} (4)", "Z", "\u00c4", "x" * 119 + "\u00e9", "Unnamed",
        ]  # fmt: skip
        assert sorted_by_key(rows, "rack", "name") == sorted(kept, key=sort_key)
        assert sorted_by_key(rows, "book", "title") == [
            "\u00e4", f"a{NFC}", "b", "B", "z",
        ]  # fmt: skip
        assert rows.run("SELECT description FROM rack WHERE id = :id", id=first) == [{"description": NFC}]
        [named] = rows.run("SELECT name, name_key FROM membership")
        assert named == {"name": NFC, "name_key": sort_key(NFC)}
        assert rows.run('SELECT name, name_key FROM "user"') == [named]
        found = [(action, after) for action, after in rows.events(tenant) if action == "rack.respelled"]
        assert found == [
            ("rack.respelled", {"name": name}) for name in (f"{NFC} (3)", f"{NFC} (4)", kept[6], "Unnamed")
        ]
        assert [after for action, after in rows.events(tenant) if action == "tenant.respelled"] == [
            {"name": f"Acme {NFC}"}
        ]
        assert [(action, after) for action, after in rows.events(other)] == [("tenant.respelled", {"name": "Unnamed"})]
        rows.enter(other)
        assert rows.run("SELECT name FROM rack") == [{"name": NFC}]
        connection.commit()
        normalize_names(connection)
        rows.enter(tenant)
        assert sorted_by_key(rows, "rack", "name") == sorted(kept, key=sort_key)

    as_owner(scratch, walk)


def sorted_by_key(rows: Rows, table: str, column: str) -> list[str]:
    statement = f"SELECT {column} AS name FROM {table} ORDER BY {column}_key, id"  # noqa: S608 - the test's own words
    return [row["name"] for row in rows.run(statement)]
