"""An API key's own limit of requests a minute, besides its tenant's."""

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column

from insula.db.ddl import notify_access, protect

revision: Final = "1200_limits"
down_revision: Final = "1100_custom_roles"

ACCESS: Final = ("name", "secret_hash", "previous_hash", "previous_until", "actions", "expires_at", "revoked_at")


def upgrade() -> None:
    op.add_column("api_key", Column("requests_per_minute", BigInteger))
    op.create_check_constraint("ck_api_key_requests_per_minute", "api_key", "requests_per_minute > 0")
    protect("api_key")
    _announce((*ACCESS, "requests_per_minute"))


def downgrade() -> None:
    _announce(ACCESS)
    op.drop_column("api_key", "requests_per_minute")


def _announce(columns: tuple[str, ...]) -> None:
    for trigger in ("access_changed", "access_made"):
        op.execute(f"DROP TRIGGER {trigger} ON api_key")
    notify_access("api_key", {"key": "id"}, columns=columns, made=False)
