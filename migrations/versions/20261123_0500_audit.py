"""The audit log: append-only, chained by hashes per tenant."""

from typing import Final

revision: Final = "0500_audit"
down_revision: Final = "0400_jobs"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
