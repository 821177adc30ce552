"""A column ``role`` holds a role's name; the database requires that a custom role exists, and keeps it while in use."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.migrate.run import as_owner
from tests.db.test_migrations import scratch

__all__ = ["scratch"]

_TENANT = text("""
    INSERT INTO tenant (id, created_at, updated_at, version, slug, name, status, plan)
    VALUES (:id, now(), now(), 1, :slug, 'Name', 'active', 'free')
""")
_USER = text("""
    INSERT INTO "user" (id, created_at, updated_at, version, email, name, status)
    VALUES (:id, now(), now(), 1, :email, 'Name', 'active')
""")
# As the previous version writes it: without the columns that came with custom roles.
_MEMBER = text("""
    INSERT INTO membership (tenant_id, id, created_at, updated_at, version, user_id, role, email, name)
    VALUES (:tenant_id, :id, now(), now(), 1, :user_id, :role, 'a@example.com', 'Name')
""")
_INVITATION = text("""
    INSERT INTO invitation (tenant_id, id, created_at, updated_at, version, email, role, token_hash, invited_by,
                            expires_at, sent_count, last_sent_at)
    VALUES (:tenant_id, :id, now(), now(), 1, :email, :role, '', :id, now(), 1, now())
""")
_ROLE = text("""
    INSERT INTO custom_role (tenant_id, id, created_at, updated_at, version, key, name, description, permissions)
    VALUES (:tenant_id, :id, now(), now(), 1, :key, 'Name', '', '{rack:read}')
""")
_HELD = text("SELECT role FROM membership UNION ALL SELECT role FROM invitation ORDER BY role")


def _enter(connection: Connection, tenant_id: UUID) -> None:
    connection.execute(text("SELECT set_config('app.tenant_id', :id, false)"), {"id": str(tenant_id)})


def _tenant(connection: Connection) -> UUID:
    tenant_id = new_id()
    _enter(connection, tenant_id)
    connection.execute(_TENANT, {"id": tenant_id, "slug": tenant_id.hex})
    return tenant_id


def _member(connection: Connection, tenant_id: UUID, role: str) -> None:
    user_id = new_id()
    connection.execute(_USER, {"id": user_id, "email": f"{user_id}@example.com"})
    connection.execute(_MEMBER, {"tenant_id": tenant_id, "id": new_id(), "user_id": user_id, "role": role})


def _invitation(connection: Connection, tenant_id: UUID, role: str) -> UUID:
    values = {"tenant_id": tenant_id, "id": new_id(), "email": f"{new_id()}@example.com", "role": role}
    connection.execute(_INVITATION, values)
    return values["id"]  # type: ignore[return-value]  # the values are of several types


def _role(connection: Connection, tenant_id: UUID, key: str) -> None:
    connection.execute(_ROLE, {"tenant_id": tenant_id, "id": new_id(), "key": key})


async def test_a_members_role_is_built_in_or_a_custom_role_of_the_tenant(scratch: Settings) -> None:
    def work(connection: Connection) -> None:
        other, tenant_id = _tenant(connection), _tenant(connection)
        _enter(connection, other)
        _role(connection, other, "editor")
        _enter(connection, tenant_id)
        _member(connection, tenant_id, "owner")
        for name in ("editor", "superuser", ""):
            with pytest.raises(IntegrityError, match="fk_membership_tenant_id_custom_role"), connection.begin_nested():
                _member(connection, tenant_id, name)
        _role(connection, tenant_id, "editor")
        _member(connection, tenant_id, "editor")

    as_owner(scratch, work)


@pytest.mark.parametrize("key", ["owner", "billing_manager", "superuser", "auditor"])
async def test_no_custom_role_can_have_the_name_of_a_built_in_one(scratch: Settings, key: str) -> None:
    def work(connection: Connection) -> None:
        tenant_id = _tenant(connection)
        with pytest.raises(IntegrityError, match="ck_custom_role_key"), connection.begin_nested():
            _role(connection, tenant_id, key)
        _role(connection, tenant_id, f"{key}-too")

    as_owner(scratch, work)


async def test_a_role_in_use_cannot_be_deleted_and_a_revoked_invitation_uses_none(scratch: Settings) -> None:
    def work(connection: Connection) -> None:
        tenant_id = _tenant(connection)
        _role(connection, tenant_id, "editor")
        invitation = _invitation(connection, tenant_id, "editor")
        with pytest.raises(IntegrityError, match="fk_invitation_tenant_id_custom_role"), connection.begin_nested():
            connection.execute(text("DELETE FROM custom_role"))
        connection.execute(text("UPDATE invitation SET revoked_at = now() WHERE id = :id"), {"id": invitation})
        connection.execute(text("DELETE FROM custom_role"))
        assert connection.execute(_HELD).scalars().all() == ["editor"]

    as_owner(scratch, work)
