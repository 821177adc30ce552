"""API keys: machines that act in a tenant."""

from typing import Final

revision: Final = "0800_api_keys"
down_revision: Final = "0700_invitations"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
