"""The job queue: procrastinate's tables, in a schema of their own."""

from typing import Final

revision: Final = "0400_jobs"
down_revision: Final = "0300_billing"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
