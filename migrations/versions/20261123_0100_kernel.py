"""The tables that every request reads."""

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from insula.db.ddl import NOTIFY_FUNCTION, create_table, create_tenant_table, notify_access, stamps

revision: Final = "0100_kernel"
down_revision: Final = None

TIME: Final = DateTime(timezone=True)


def upgrade() -> None:
    op.execute(NOTIFY_FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION notify_access() FROM PUBLIC")
    _tenants()
    _users()
    _sessions()
    _signing_keys()
    _memberships()
    _entitlements()
    _idempotency()


def downgrade() -> None:
    for table in (
        "idempotency_record",
        "entitlement",
        "membership",
        "signing_key",
        "refresh_token",
        "auth_session",
        "staff",
        "credential",
        "user",
        "tenant_domain",
        "tenant",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION notify_access()")


def _tenants() -> None:
    create_table(
        "tenant",
        Column("id", Uuid, nullable=False),
        *stamps(),
        Column("slug", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("plan", Text, nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("slug"),
        CheckConstraint("slug = lower(slug) and slug <> ''", name="ck_tenant_slug"),
        CheckConstraint("status in ('active', 'suspended')", name="ck_tenant_status"),
    )
    notify_access("tenant", {"tenant": "id"}, columns=["slug", "name", "status", "plan"])
    create_table(
        "tenant_domain",
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("host", Text, nullable=False),
        Column("verified_at", TIME),
        Column("created_at", TIME, nullable=False),
        PrimaryKeyConstraint("tenant_id", "id"),
        UniqueConstraint("host"),
        CheckConstraint("host = lower(host) and host <> ''", name="ck_tenant_domain_host"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
    )
    notify_access("tenant_domain", {"tenant": "tenant_id"}, columns=["tenant_id", "host", "verified_at"])


def _users() -> None:
    create_table(
        "user",
        Column("id", Uuid, nullable=False),
        *stamps(),
        Column("email", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("email_verified_at", TIME),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email)", name="ck_user_email"),
        CheckConstraint("status in ('active', 'suspended')", name="ck_user_status"),
    )
    notify_access("user", {"user": "id"}, columns=["email", "name", "status"], made=False)
    create_table(
        "credential",
        Column("user_id", Uuid, nullable=False),
        Column("password_hash", Text, nullable=False),
        Column("updated_at", TIME, nullable=False),
        PrimaryKeyConstraint("user_id"),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
    )
    create_table(
        "staff",
        Column("user_id", Uuid, nullable=False),
        Column("role", Text, nullable=False),
        Column("created_at", TIME, nullable=False),
        PrimaryKeyConstraint("user_id"),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        CheckConstraint("role in ('auditor', 'support', 'superuser')", name="ck_staff_role"),
    )
    notify_access("staff", {"user": "user_id"}, columns=["user_id", "role"])


def _sessions() -> None:
    create_table(
        "auth_session",
        Column("id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("last_used_at", TIME, nullable=False),
        Column("expires_at", TIME, nullable=False),
        Column("revoked_at", TIME),
        PrimaryKeyConstraint("id"),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_auth_session_user_id", "auth_session", ["user_id"])
    notify_access("auth_session", {"user": "user_id"}, columns=["user_id", "expires_at", "revoked_at"], made=False)
    create_table(
        "refresh_token",
        Column("hash", LargeBinary, nullable=False),
        Column("session_id", Uuid, nullable=False),
        Column("expires_at", TIME, nullable=False),
        Column("used_at", TIME),
        Column("created_at", TIME, nullable=False),
        PrimaryKeyConstraint("hash"),
        ForeignKeyConstraint(["session_id"], ["auth_session.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"])


def _signing_keys() -> None:
    create_table(
        "signing_key",
        Column("kid", Text, nullable=False),
        Column("algorithm", Text, nullable=False),
        Column("public_jwk", JSONB, nullable=False),
        Column("private_sealed", LargeBinary, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("retired_at", TIME),
        PrimaryKeyConstraint("kid"),
    )
    notify_access("signing_key", {"keys": ""}, columns=["algorithm", "public_jwk", "retired_at"])


def _memberships() -> None:
    create_tenant_table(
        "membership",
        Column("user_id", Uuid, nullable=False),
        Column("role", Text, nullable=False),
        Column("email", Text, nullable=False),
        Column("name", Text, nullable=False),
        UniqueConstraint("tenant_id", "user_id"),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_membership_user_id", "membership", ["user_id"])
    notify_access(
        "membership", {"tenant": "tenant_id", "user": "user_id"}, columns=["tenant_id", "id", "user_id", "role"]
    )


def _entitlements() -> None:
    create_table(
        "entitlement",
        Column("tenant_id", Uuid, nullable=False),
        Column("key", Text, nullable=False),
        Column("value", BigInteger, nullable=False),
        Column("updated_at", TIME, nullable=False),
        PrimaryKeyConstraint("tenant_id", "key"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
    )
    notify_access("entitlement", {"tenant": "tenant_id"}, columns=["tenant_id", "key", "value"])


def _idempotency() -> None:
    create_table(
        "idempotency_record",
        Column("tenant_id", Uuid, nullable=False),
        Column("principal_id", Uuid, nullable=False),
        Column("route", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", TIME, nullable=False),
        PrimaryKeyConstraint("tenant_id", "principal_id", "route", "key"),
    )
