"""The inbox by customer: events of one second are ordered among themselves."""

from typing import Final

from alembic import op

from insula.db.migrate import online

revision: Final = "1300_events_of_a_customer"
down_revision: Final = "1200_limits"


def upgrade() -> None:
    online.create_index("ix_webhook_event_customer", "webhook_event", ["provider", "customer"])


def downgrade() -> None:
    op.drop_index("ix_webhook_event_customer", table_name="webhook_event")
