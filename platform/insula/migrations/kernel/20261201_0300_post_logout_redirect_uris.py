"""A client has redirect URIs to which users may come back after a logout. An earlier version leaves them empty."""

from collections.abc import Sequence
from typing import Final

from alembic import op
from sqlalchemy import Column, Text
from sqlalchemy.dialects.postgresql import ARRAY

from insula.db.schema.ddl import notify_access, protect

revision: Final = "kernel_0013_post_logout_uris"
down_revision: Final = "kernel_0012_consent_of_sessions"

NAME: Final = "post_logout_redirect_uris"
ANNOUNCED: Final = {
    "oauth_client": (
        *("name", "kind", "redirect_uris", "grants", "secret_hash", "previous_hash", "previous_until", "revoked_at"),
        "scopes",
    ),
    "first_party_client": (
        *("name", "kind", "redirect_uris", "grants", "secret_hash", "previous_hash", "previous_until", "revoked_at"),
    ),
}


def upgrade() -> None:
    for table, columns in ANNOUNCED.items():
        op.add_column(table, Column(NAME, ARRAY(Text), nullable=False, server_default="{}"))
        protect(table)
        _announce(table, [*columns, NAME])


def downgrade() -> None:
    for table, columns in ANNOUNCED.items():
        _announce(table, columns)
        op.drop_column(table, NAME)


def _announce(table: str, columns: Sequence[str]) -> None:
    for trigger in ("access_changed", "access_made"):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    notify_access(table, {"client": "id"}, columns=columns, made=False)
