"""Entitlement overrides by staff, with reason and expiry."""

from typing import Final

revision: Final = "1000_overrides"
down_revision: Final = "0900_tenant_settings"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
