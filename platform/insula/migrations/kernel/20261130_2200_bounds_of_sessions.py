"""A session has an idle end, and may be bound to an OAuth client, a resource and scopes.

An earlier version leaves these columns NULL: no idle end, and no bounds.
"""

from typing import Final

from alembic import op
from sqlalchemy import Column, DateTime, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from insula.db.schema.ddl import protect

revision: Final = "kernel_0005_bounds_of_sessions"
down_revision: Final = "kernel_0004_oauth_clients"


def upgrade() -> None:
    op.add_column("auth_session", Column("refresh_by", DateTime(timezone=True)))
    op.add_column("auth_session", Column("client_id", Uuid))
    op.add_column("auth_session", Column("resource", Text))
    op.add_column("auth_session", Column("scopes", ARRAY(Text)))
    protect("auth_session")


def downgrade() -> None:
    for column in ("scopes", "resource", "client_id", "refresh_by"):
        op.drop_column("auth_session", column)
