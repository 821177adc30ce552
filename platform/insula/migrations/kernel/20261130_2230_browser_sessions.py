"""Sessions of browsers: a cookie's secret, stored hashed, that stands for a session."""

from typing import Final

from alembic import op
from sqlalchemy import (
    Column,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Uuid,
)

from insula.db.schema.ddl import create_table

revision: Final = "kernel_0007_browser_sessions"
down_revision: Final = "kernel_0006_children_of_refresh_tokens"

TIME: Final = DateTime(timezone=True)


def upgrade() -> None:
    create_table(
        "browser_session",
        Column("hash", LargeBinary, nullable=False),
        Column("session_id", Uuid, nullable=False),
        Column("chosen_tenant_id", Uuid),
        Column("created_at", TIME, nullable=False),
        Column("last_seen_at", TIME, nullable=False),
        PrimaryKeyConstraint("hash"),
        ForeignKeyConstraint(["session_id"], ["auth_session.id"], ondelete="CASCADE"),
    )
    op.create_index(None, "browser_session", ["session_id"])


def downgrade() -> None:
    op.drop_table("browser_session")
