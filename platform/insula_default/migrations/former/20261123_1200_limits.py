"""Where the revisions of this folder begin: the earlier ones are in the history."""

from typing import Final

revision: Final = "1200_limits"
down_revision: Final = None


def upgrade() -> None:
    """Nothing: a database before this revision is refused."""


def downgrade() -> None:
    """Nothing."""
