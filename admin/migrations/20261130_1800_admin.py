"""What staff's own questions need: the admin app has no table, but reads the audit log over all its chains."""

from typing import Final

from insula.db.migrate.online import create_index, drop_index

revision: Final = "admin_0001"
down_revision: Final = None
branch_labels: Final = ("admin",)
replaces: Final = "1630_operations_of_keys"

INDEX: Final = "ix_audit_event_occurred_at_id"


def upgrade() -> None:
    create_index(INDEX, "audit_event", ["occurred_at", "id"])


def downgrade() -> None:
    drop_index(INDEX, "audit_event")
