"""Users' consents, authorization codes, and the sessions that clients get by them."""

from typing import Final

from alembic import op
from sqlalchemy import Column, DateTime, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from insula.db.schema.base import tenant_fk
from insula.db.schema.ddl import create_table, create_tenant_table, protect

revision: Final = "kernel_0008_authorizations"
down_revision: Final = "kernel_0007_browser_sessions"

TIME: Final = DateTime(timezone=True)
OF_SESSIONS: Final = (
    *(("parent_id", Uuid), ("bound_tenant_id", Uuid), ("consent_id", Uuid)),
    ("authenticated_at", TIME),
)


def upgrade() -> None:
    create_tenant_table(
        "oauth_consent",
        Column("client_id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("scopes", ARRAY(Text), nullable=False),
        tenant_fk("client_id", "oauth_client"),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
    )
    op.create_index(
        "uq_oauth_consent_tenant_id_client_id_user_id",
        "oauth_consent",
        ["tenant_id", "client_id", "user_id"],
        unique=True,
    )
    op.create_index(None, "oauth_consent", ["user_id"])
    for name, kind in OF_SESSIONS:
        op.add_column("auth_session", Column(name, kind))
    protect("auth_session")
    create_table(
        "authorization_code",
        Column("hash", LargeBinary, nullable=False),
        Column("client_id", Uuid, nullable=False),
        Column("parent_id", Uuid, nullable=False),
        Column("bound_tenant_id", Uuid),
        Column("consent_id", Uuid),
        Column("redirect_uri", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("scopes", ARRAY(Text)),
        Column("challenge", Text, nullable=False),
        Column("nonce", Text),
        Column("created_at", TIME, nullable=False),
        Column("expires_at", TIME, nullable=False),
        Column("used_at", TIME),
        Column("session_id", Uuid),
        PrimaryKeyConstraint("hash"),
        ForeignKeyConstraint(["parent_id"], ["auth_session.id"], ondelete="CASCADE"),
    )
    for column in ("parent_id", "expires_at"):
        op.create_index(None, "authorization_code", [column])


def downgrade() -> None:
    op.drop_table("authorization_code")
    for name, _ in reversed(OF_SESSIONS):
        op.drop_column("auth_session", name)
    op.drop_table("oauth_consent")
