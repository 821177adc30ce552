"""The refresh tokens of a session are a family: each knows its child, and the session its idle end and its bounds.

An earlier version leaves the new columns NULL: no child to return again, no idle end, no OAuth client.
"""

from typing import Final

from alembic import op
from sqlalchemy import Column, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY

revision: Final = "kernel_0004_refresh_families"
down_revision: Final = "kernel_0003_counting_at_commit"


def upgrade() -> None:
    op.add_column("auth_session", Column("refresh_by", DateTime(timezone=True)))
    op.add_column("auth_session", Column("client_id", Text))
    op.add_column("auth_session", Column("resource", Text))
    op.add_column("auth_session", Column("scopes", ARRAY(Text)))
    op.add_column("refresh_token", Column("child_hash", LargeBinary))


def downgrade() -> None:
    op.drop_column("refresh_token", "child_hash")
    for column in ("scopes", "resource", "client_id", "refresh_by"):
        op.drop_column("auth_session", column)
