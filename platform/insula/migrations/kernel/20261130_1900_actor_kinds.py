"""The installation declares the kinds of actors; the trigger holds each role to its own (``insula.db.schema.acts``)."""

from typing import Final

from alembic import op

from insula.db.migrate import online

revision: Final = "kernel_0002_actor_kinds"
down_revision: Final = "kernel_0001"


def upgrade() -> None:
    op.execute("ALTER TABLE audit_event DROP CONSTRAINT ck_audit_event_actor_kind")


def downgrade() -> None:
    online.add_constraint(
        "ck_audit_event_actor_kind",
        "audit_event",
        "CHECK (actor_kind in ('user', 'staff', 'api_key', 'system', 'provider'))",
    )
