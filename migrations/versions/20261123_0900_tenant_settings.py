"""Time zone, locale, former slugs and proofs of custom domains."""

from typing import Final

revision: Final = "0900_tenant_settings"
down_revision: Final = "0800_api_keys"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
