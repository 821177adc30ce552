"""A refresh token knows the hash of its child. An earlier version leaves it NULL: there is no child to return again."""

from typing import Final

from alembic import op
from sqlalchemy import Column, LargeBinary

from insula.db.schema.ddl import protect

revision: Final = "kernel_0006_children_of_refresh_tokens"
down_revision: Final = "kernel_0005_bounds_of_sessions"


def upgrade() -> None:
    op.add_column("refresh_token", Column("child_hash", LargeBinary))
    protect("refresh_token")


def downgrade() -> None:
    op.drop_column("refresh_token", "child_hash")
