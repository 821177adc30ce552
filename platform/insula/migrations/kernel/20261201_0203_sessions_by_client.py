"""An index finds the sessions of a client."""

from typing import Final

from insula.db.migrate import online

revision: Final = "kernel_0011_sessions_by_client"
down_revision: Final = "kernel_0010_sessions_by_consent"


def upgrade() -> None:
    online.create_index("ix_auth_session_client_id", "auth_session", ["client_id"])


def downgrade() -> None:
    online.drop_index("ix_auth_session_client_id", "auth_session")
