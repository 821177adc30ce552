"""An index finds the sessions that clients got by the session of a browser."""

from typing import Final

from insula.db.migrate import online

revision: Final = "kernel_0009_sessions_by_parent"
down_revision: Final = "kernel_0008_authorizations"


def upgrade() -> None:
    online.create_index("ix_auth_session_parent_id", "auth_session", ["parent_id"])


def downgrade() -> None:
    online.drop_index("ix_auth_session_parent_id", "auth_session")
