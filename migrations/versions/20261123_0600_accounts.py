"""Registration and forgotten passwords: the tokens that go out by mail."""

from typing import Final

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    Uuid,
)

from insula.db.ddl import create_table

revision: Final = "0600_accounts"
down_revision: Final = "0500_audit"

TIME: Final = DateTime(timezone=True)


def upgrade() -> None:
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
    op.create_index("ix_email_token_user_id", "email_token", ["user_id"])
    op.create_index("ix_email_token_expires_at", "email_token", ["expires_at"])
    op.create_index("ix_auth_session_expires_at", "auth_session", ["expires_at"])


def downgrade() -> None:
    op.drop_index("ix_auth_session_expires_at", "auth_session")
    op.drop_table("email_token")
