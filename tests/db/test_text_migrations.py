"""Text that was stored under looser rules, brought to what is kept now."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.audit import PLATFORM
from insula.db.migrate import alembic_config, as_owner
from insula.ids import new_id
from insula.settings import Settings
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

    def enter(self, tenant_id: UUID | None) -> None:
        self.run("SELECT set_config('app.tenant_id', :id, true)", id=str(tenant_id or ""))

    def run(self, statement: str, **values: object) -> list[Mapping[str, object]]:
        result = self.connection.execute(text(statement), values)
        return [dict(row) for row in result.mappings().all()] if result.returns_rows else []

    def tenant(self, name: str = "Name") -> UUID:
        tenant_id = new_id()
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
        user_id = new_id()
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
            id=new_id(),
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
            id=new_id(),
            email=email,
            revoked=revoked,
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
        command.downgrade(alembic_config(connection), "1300_events_of_a_customer")
        command.upgrade(alembic_config(connection), "1400_addresses")

    as_owner(scratch, walk)
