"""Clients of the authorization server: those of tenants, and the platform's own."""

from typing import Final

from alembic import op
from sqlalchemy import CheckConstraint, Column, DateTime, LargeBinary, PrimaryKeyConstraint, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.schema import SchemaItem

from insula.db.schema.ddl import create_table, create_tenant_table, notify_access, stamps
from insula.db.schema.sorting import sort_key_column

revision: Final = "kernel_0004_oauth_clients"
down_revision: Final = "kernel_0003_counting_at_commit"

TIME: Final = DateTime(timezone=True)
ANNOUNCED: Final = (
    *("name", "kind", "redirect_uris", "grants", "secret_hash", "previous_hash", "previous_until", "revoked_at"),
)


def upgrade() -> None:
    create_tenant_table(
        "oauth_client",
        *_columns(),
        Column("scopes", ARRAY(Text), nullable=False),
        *_checks("oauth_client"),
        CheckConstraint(
            "kind = 'confidential' OR NOT 'client_credentials' = ANY (grants)", name="ck_oauth_client_machine"
        ),
    )
    # A token request names only the client, not its tenant.
    op.create_index("uq_oauth_client_id", "oauth_client", ["id"], unique=True)
    for column in ("created_at", "name_key"):
        op.create_index(None, "oauth_client", ["tenant_id", column, "id"])
    # An insert is not announced: nobody can have asked for a client before its id was shown.
    notify_access("oauth_client", {"client": "id"}, columns=[*ANNOUNCED, "scopes"], made=False)
    create_table(
        "first_party_client",
        Column("id", Uuid, nullable=False),
        *stamps(),
        *_columns(),
        *_checks("first_party_client"),
        PrimaryKeyConstraint("id"),
    )
    notify_access("first_party_client", {"client": "id"}, columns=ANNOUNCED, made=False)


def downgrade() -> None:
    op.drop_table("first_party_client")
    op.drop_table("oauth_client")


def _columns() -> tuple[SchemaItem, ...]:
    return (
        Column("name", Text, nullable=False),
        sort_key_column("name_key"),
        Column("kind", Text, nullable=False),
        Column("redirect_uris", ARRAY(Text), nullable=False),
        Column("grants", ARRAY(Text), nullable=False),
        Column("secret_hash", LargeBinary),
        Column("previous_hash", LargeBinary),
        Column("previous_until", TIME),
        Column("created_by", Uuid),
        Column("revoked_at", TIME),
    )


def _checks(table: str) -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint("kind in ('public', 'confidential')", name=f"ck_{table}_kind"),
        CheckConstraint("(kind = 'confidential') = (secret_hash IS NOT NULL)", name=f"ck_{table}_secret"),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name=f"ck_{table}_previous"),
    )
