"""An index finds the sessions that end with a consent."""

from typing import Final

from insula.db.migrate import online

revision: Final = "kernel_0010_sessions_by_consent"
down_revision: Final = "kernel_0009_sessions_by_parent"


def upgrade() -> None:
    online.create_index("ix_auth_session_consent_id", "auth_session", ["consent_id"])


def downgrade() -> None:
    online.drop_index("ix_auth_session_consent_id", "auth_session")
