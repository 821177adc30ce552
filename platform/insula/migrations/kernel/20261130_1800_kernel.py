"""The kernel's tables: what every request reads, and what every app stands on."""

from pathlib import Path
from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from insula.db.schema.ddl import (
    NOTIFY_FUNCTION,
    create_table,
    create_tenant_table,
    execute_file,
    notify_access,
    protect_acts,
    protect_queue,
    stamps,
)
from insula.db.schema.sorting import sort_key_column

revision: Final = "kernel_0001"
down_revision: Final = None
branch_labels: Final = ("kernel",)
replaces: Final = "1630_operations_of_keys"

SQL: Final = Path(__file__).parent / "sql"
TABLES: Final = (
    *("tenant", "tenant_slug", "tenant_domain", "tenant_usage", '"user"', "credential", "staff"),
    *("auth_session", "refresh_token", "email_token", "signing_key", "custom_role", "membership", "api_key"),
    *("entitlement", "idempotency_record", "audit_head", "audit_event", "job_effect"),
)
FUNCTIONS: Final = (
    *("notify_access", "register_slug", "count_usage", "refuse_direct_change"),
    *("chain_audit_event", "refuse_audit_change"),
)
TIME: Final = DateTime(timezone=True)
BUILT_IN_ROLES: Final = "'owner'::text, 'admin'::text, 'member'::text, 'viewer'::text, 'billing_manager'::text"
STAFF_ROLES: Final = "'superuser'::text, 'support'::text, 'auditor'::text"
OPERATION: Final = r"regexp_replace(route, '^([^./]+)\..*\.', '\1/')"


def upgrade() -> None:
    op.execute(NOTIFY_FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION notify_access() FROM PUBLIC")
    _tenants()
    _usage()
    _users()
    _sessions()
    _email_tokens()
    _signing_keys()
    _custom_roles()
    _memberships()
    _api_keys()
    _entitlements()
    _idempotency()
    _audit()
    _jobs()


def downgrade() -> None:
    op.execute("DROP SCHEMA jobs CASCADE")
    op.execute(f"DROP TABLE {', '.join(TABLES)}")
    op.execute(f"DROP FUNCTION {', '.join(f'{name}()' for name in FUNCTIONS)}")


def _tenants() -> None:
    create_table(
        "tenant",
        Column("id", Uuid, nullable=False),
        *stamps(),
        Column("slug", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("plan", Text, nullable=False),
        Column("time_zone", Text, nullable=False, server_default="UTC"),
        Column("locale", Text, nullable=False, server_default="en"),
        sort_key_column("name_key"),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("slug"),
        CheckConstraint("slug = lower(slug) and slug <> ''", name="ck_tenant_slug"),
        CheckConstraint("status in ('active', 'suspended')", name="ck_tenant_status"),
    )
    notify_access("tenant", {"tenant": "id"}, columns=["slug", "name", "status", "plan"])
    create_table(
        "tenant_slug",
        Column("tenant_id", Uuid, nullable=False),
        Column("slug", Text, nullable=False),
        Column("retired_at", TIME),
        PrimaryKeyConstraint("tenant_id", "slug"),
        UniqueConstraint("slug"),
    )
    notify_access("tenant_slug", {"tenant": "tenant_id"}, columns=["retired_at"], made=False)
    execute_file(SQL / "tenant_slug.sql")
    create_table(
        "tenant_domain",
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("host", Text, nullable=False),
        Column("verified_at", TIME),
        Column("created_at", TIME, nullable=False),
        Column("token", Text, nullable=False, server_default=text("replace(gen_random_uuid()::text, '-', '')")),
        Column("checked_at", TIME),
        Column("failing_since", TIME),
        PrimaryKeyConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "host"),
        CheckConstraint("host = lower(host) and host <> ''", name="ck_tenant_domain_host"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
    )
    # Claims cross no tenants, proofs do: many may claim a host, one has it.
    op.create_index(
        "uq_tenant_domain_verified_host",
        "tenant_domain",
        ["host"],
        unique=True,
        postgresql_where=text("verified_at IS NOT NULL"),
    )
    notify_access("tenant_domain", {"tenant": "tenant_id"}, columns=["tenant_id", "host", "verified_at"])


def _usage() -> None:
    create_table(
        "tenant_usage",
        Column("tenant_id", Uuid, nullable=False),
        Column("resource", Text, nullable=False),
        Column("used", BigInteger, nullable=False),
        PrimaryKeyConstraint("tenant_id", "resource"),
    )
    op.execute("ALTER TABLE tenant_usage SET (fillfactor = 50)")  # room on the page: each creation rewrites a row
    execute_file(SQL / "usage.sql")


def _users() -> None:
    create_table(
        "user",
        Column("id", Uuid, nullable=False),
        *stamps(),
        Column("email", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("email_verified_at", TIME),
        sort_key_column("name_key"),
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
    for column in ("user_id", "expires_at"):
        op.create_index(None, "auth_session", [column])
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
    op.create_index(None, "refresh_token", ["session_id"])


def _email_tokens() -> None:
    create_table(
        "email_token",
        Column("hash", LargeBinary, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("name", Text),
        Column("password_hash", Text),
        Column("created_at", TIME, nullable=False),
        Column("expires_at", TIME, nullable=False),
        PrimaryKeyConstraint("hash"),
        CheckConstraint("purpose in ('verify', 'reset')", name="ck_email_token_purpose"),
        CheckConstraint(
            "(purpose = 'verify') = (name is not null and password_hash is not null)",
            name="ck_email_token_registration",
        ),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
    )
    for column in ("user_id", "expires_at"):
        op.create_index(None, "email_token", [column])


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


def _custom_roles() -> None:
    create_tenant_table(
        "custom_role",
        Column("key", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("permissions", ARRAY(Text), nullable=False),
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint(f"key <> ALL (ARRAY[{BUILT_IN_ROLES}, {STAFF_ROLES}])", name="ck_custom_role_key"),
    )
    # Nobody has a role that was just made, and nobody had one that is deleted.
    notify_access("custom_role", {"tenant": "tenant_id"}, columns=["permissions"], made=False)


def _memberships() -> None:
    built_in = f"(role = ANY (ARRAY[{BUILT_IN_ROLES}]))"
    create_tenant_table(
        "membership",
        Column("user_id", Uuid, nullable=False),
        Column("role", Text, nullable=False),
        Column("email", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("custom_role", Text, Computed(f"CASE WHEN {built_in} THEN NULL::text ELSE role END", persisted=True)),
        sort_key_column("name_key"),
        UniqueConstraint("tenant_id", "user_id"),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["tenant_id", "custom_role"], ["custom_role.tenant_id", "custom_role.key"], ondelete="RESTRICT"
        ),
    )
    op.create_index(None, "membership", ["user_id"])
    op.create_index(None, "membership", ["tenant_id", "custom_role"], postgresql_where=text("custom_role IS NOT NULL"))
    notify_access(
        "membership", {"tenant": "tenant_id", "user": "user_id"}, columns=["tenant_id", "id", "user_id", "role"]
    )


def _api_keys() -> None:
    create_tenant_table(
        "api_key",
        Column("name", Text, nullable=False),
        Column("actions", ARRAY(Text), nullable=False),
        Column("secret_hash", LargeBinary, nullable=False),
        Column("previous_hash", LargeBinary),
        Column("previous_until", TIME),
        Column("created_by", Uuid),
        Column("expires_at", TIME),
        Column("revoked_at", TIME),
        Column("last_used_at", TIME),
        Column("requests_per_minute", BigInteger),
        sort_key_column("name_key"),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="ck_api_key_previous"),
        CheckConstraint("requests_per_minute > 0", name="ck_api_key_requests_per_minute"),
    )
    # One index for each order that the list can have: a keyset page is then a range of it.
    for column in ("created_at", "name_key"):
        op.create_index(None, "api_key", ["tenant_id", column, "id"])
    secrets = ("secret_hash", "previous_hash", "previous_until")
    notify_access(
        "api_key",
        {"key": "id"},
        columns=["name", *secrets, "actions", "expires_at", "revoked_at", "requests_per_minute"],
        made=False,  # nobody can have asked for a key before it was shown
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
    op.create_index(None, "idempotency_record", ["created_at"])
    operation = [text(part) for part in ("tenant_id", "principal_id", "key", OPERATION)]
    op.create_index("uq_idempotency_record_operation", "idempotency_record", operation, unique=True)


def _audit() -> None:
    create_table(
        "audit_head",
        Column("tenant_id", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("tenant_id"),
    )
    op.execute("ALTER TABLE audit_head SET (fillfactor = 50)")  # room on the page: each event rewrites the row
    create_table(
        "audit_event",
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("occurred_at", TIME, nullable=False),
        Column("actor_kind", Text, nullable=False),
        Column("actor_id", Uuid),
        Column("actor_label", Text),
        Column("action", Text, nullable=False),
        Column("object_type", Text, nullable=False),
        Column("object_id", Text, nullable=False),
        Column("before", JSONB),
        Column("after", JSONB),
        Column("request_id", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("previous_hash", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "sequence"),
        CheckConstraint(
            "actor_kind in ('user', 'staff', 'api_key', 'system', 'provider')", name="ck_audit_event_actor_kind"
        ),
    )
    for columns in ([], ["actor_id"], ["object_type", "object_id"]):
        op.create_index(None, "audit_event", ["tenant_id", *columns, "occurred_at", "id"])
    protect_acts()
    execute_file(SQL / "audit.sql")


def _jobs() -> None:
    """Make procrastinate's tables in a schema of their own, and the table that keeps a job's effect to one."""
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path = jobs, pg_temp")
    execute_file(SQL / "procrastinate.sql")
    op.execute("SET LOCAL search_path = public, pg_temp")
    execute_file(SQL / "jobs.sql")
    protect_queue()
    create_table(
        "job_effect",
        Column("tenant_id", Uuid, nullable=False),
        Column("key", Text, nullable=False),
        Column("created_at", TIME, nullable=False),
        PrimaryKeyConstraint("tenant_id", "key"),
    )
    op.create_index(None, "job_effect", ["created_at"])
