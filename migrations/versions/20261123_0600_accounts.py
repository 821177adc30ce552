"""Registration: email verification."""

from typing import Final

revision: Final = "0600_accounts"
down_revision: Final = "0500_audit"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
