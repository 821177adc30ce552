"""Invitations to a tenant."""

from typing import Final

revision: Final = "0700_invitations"
down_revision: Final = "0600_accounts"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
