"""Text that was stored under looser rules, brought to what is kept now."""

import itertools
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.audit import PLATFORM
from insula.db import backfill
from insula.db.migrate import alembic_config, as_owner
from insula.settings import Settings
from insula.text.collation import sort_key
from tests.support.databases import migrated_database


@pytest.fixture
async def scratch(settings: Settings) -> AsyncIterator[Settings]:
    """Migrate a database of this test's own."""
    async with migrated_database(settings) as own:
        yield own


class Rows:
    """Inserts and reads rows as the owner, who sees those of the tenant that he has entered."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ids = (UUID(int=number) for number in itertools.count(1))  # in the order of their making

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

    def invitation(self, tenant_id: UUID, email: str, *, revoked: bool = False) -> None:
        self.run(
            "INSERT INTO invitation (tenant_id, id, created_at, updated_at, version, email, role, token_hash, "
            "invited_by, expires_at, revoked_at, sent_count, last_sent_at) VALUES (:tenant_id, :id, clock_timestamp(), "
            "now(), 1, :email, 'member', '', :id, now(), CASE WHEN :revoked THEN now() END, 1, now())",
            tenant_id=tenant_id,
            id=next(self.ids),
            email=email,
            revoked=revoked,
        )

    def project(self, tenant_id: UUID, name: str, description: str = "") -> UUID:
        project_id = next(self.ids)
        self.run(
            "INSERT INTO project (tenant_id, id, created_at, updated_at, version, name, description, status) "
            "VALUES (:tenant_id, :id, now(), now(), 1, :name, :description, 'active')",
            tenant_id=tenant_id,
            id=project_id,
            name=name,
            description=description,
        )
        return project_id

    def items(self, tenant_id: UUID, project_id: UUID, *titles: str) -> None:
        for title in titles:
            self.run(
                "INSERT INTO project_item (tenant_id, id, created_at, updated_at, version, project_id, title, body, "
                "status, position) VALUES (:tenant_id, :id, now(), now(), 1, :project_id, :title, '', 'open', 0)",
                tenant_id=tenant_id,
                id=next(self.ids),
                project_id=project_id,
                title=title,
            )

    def events(self, chain: UUID) -> list[tuple[object, object]]:
        self.enter(chain)
        found = self.run("SELECT action, after FROM audit_event WHERE tenant_id = :id ORDER BY sequence", id=chain)
        return [(row["action"], row["after"]) for row in found]


async def test_addresses_are_respelled_where_they_agree_and_reported_where_not(scratch: Settings) -> None:
    def walk(connection: Connection) -> None:
        command.downgrade(alembic_config(connection), "1300_events_of_a_customer")
        rows = Rows(connection)
        first, second = rows.tenant(), rows.tenant()
        alone = rows.user("alone@bücher.de")
        rows.user("bob@xn--fuball-cta.de")
        clash = rows.user("bob@fußball.de")
        rows.user("plain@example.com")
        for tenant_id in (first, second):
            rows.enter(tenant_id)
            rows.member(tenant_id, alone, "alone@bücher.de")
            rows.member(tenant_id, clash, "bob@fußball.de")
        rows.invitation(second, "new@bücher.de")
        rows.invitation(second, "twice@xn--bcher-kva.de")
        rows.invitation(second, "twice@bücher.de")
        rows.invitation(second, "twice@bücher.de", revoked=True)
        rows.enter(None)
        connection.commit()
        command.upgrade(alembic_config(connection), "1400_addresses")

        emails = [row["email"] for row in rows.run('SELECT email FROM "user" ORDER BY email COLLATE "C"')]
        kept = "alone@xn--bcher-kva.de"
        assert emails == [kept, "bob@fußball.de", "bob@xn--fuball-cta.de", "plain@example.com"]
        for tenant_id in (first, second):
            rows.enter(tenant_id)
            members = rows.run('SELECT email FROM membership ORDER BY email COLLATE "C"')
            assert [row["email"] for row in members] == [kept, "bob@fußball.de"]
        invited = [row["email"] for row in rows.run("SELECT email FROM invitation ORDER BY created_at")]
        assert invited == [
            "new@xn--bcher-kva.de",
            "twice@xn--bcher-kva.de",
            "twice@bücher.de",
            "twice@xn--bcher-kva.de",
        ]
        assert [action for action, _ in rows.events(PLATFORM)] == ["user.email_respelled", "user.email_conflict"]
        assert [action for action, _ in rows.events(second)] == ["invitation.email_conflict"]
        assert rows.events(first) == []
        connection.commit()
        command.downgrade(alembic_config(connection), "1300_events_of_a_customer")
        command.upgrade(alembic_config(connection), "1400_addresses")

    as_owner(scratch, walk)


NFD, NFC = "Cafe\u0301", "Caf\u00e9"


async def test_names_get_one_spelling_a_number_where_they_collide_and_their_place_in_the_order(
    scratch: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "BATCH", 2)

    def walk(connection: Connection) -> None:
        command.downgrade(alembic_config(connection), "1500_acts_of_roles")
        rows = Rows(connection)
        tenant, other = rows.tenant(f"Acme\u202e {NFD}"), rows.tenant("\u200b")
        rows.enter(other)
        rows.project(other, NFD)
        rows.enter(tenant)
        rows.member(tenant, rows.user("ada@example.com", f"\u202e{NFD}"), "ada@example.com", f"\u202e{NFD}")
        first = rows.project(tenant, NFD, description=NFD)
        for name in (NFC, f"{NFC} (2)", f"{NFC}\u200b", "Z", "\u00c4", "x" * 119 + "e\u0301" + "y" * 40, "\u3164"):
            rows.project(tenant, name)
        rows.items(tenant, first, "b", f"\u2066a{NFD}", "B", "\u00e4", "z")
        connection.commit()
        command.upgrade(alembic_config(connection), "1620_sorted_by_key")

        rows.enter(tenant)
        kept = [row["name"] for row in rows.run("SELECT name FROM project ORDER BY id")]
        assert kept == [
            f"{NFC} (3)", NFC, f"{NFC} (2)", f"{NFC} (4)", "Z", "\u00c4", "x" * 119 + "\u00e9", "Unnamed",
        ]  # fmt: skip
        assert kept_by_key(rows, "project", "name") == sorted(kept, key=sort_key)
        assert kept_by_key(rows, "project_item", "title") == [
            "\u00e4", f"a{NFC}", "b", "B", "z",
        ]  # fmt: skip
        assert rows.run("SELECT description FROM project WHERE id = :id", id=first) == [{"description": NFC}]
        [named] = rows.run("SELECT name, name_key FROM membership")
        assert named == {"name": NFC, "name_key": sort_key(NFC)}
        assert rows.run('SELECT name, name_key FROM "user"') == [named]
        found = [(action, after) for action, after in rows.events(tenant) if action == "project.respelled"]
        assert found == [
            ("project.respelled", {"name": name}) for name in (f"{NFC} (3)", f"{NFC} (4)", kept[6], "Unnamed")
        ]
        assert [after for action, after in rows.events(tenant) if action == "tenant.respelled"] == [
            {"name": f"Acme {NFC}"}
        ]
        assert [(action, after) for action, after in rows.events(other)] == [("tenant.respelled", {"name": "Unnamed"})]
        rows.enter(other)
        assert rows.run("SELECT name FROM project") == [{"name": NFC}]
        connection.commit()
        command.downgrade(alembic_config(connection), "1500_acts_of_roles")
        command.upgrade(alembic_config(connection), "1620_sorted_by_key")
        rows.enter(tenant)
        assert kept_by_key(rows, "project", "name") == sorted(kept, key=sort_key)

    as_owner(scratch, walk)


def kept_by_key(rows: Rows, table: str, column: str) -> list[str]:
    statement = f"SELECT {column} AS name FROM {table} ORDER BY {column}_key, id"  # noqa: S608 - the test's own words
    return [row["name"] for row in rows.run(statement)]
