"""Names, titles and texts in one spelling, with their sort keys.

Names that come out alike within a tenant are numbered; the audit log has each name that reads
differently now. The rows go in batches, tenant by tenant.
"""

from typing import Final
from uuid import UUID

from alembic import op
from sqlalchemy import text

from insula.db.migrate.backfill import Lines, one_spelling
from insula.db.schema.ddl import commit_step, record_migration, tenants_in_turn

revision: Final = "1610_one_spelling"
down_revision: Final = "1605_project_item_key"

_PLATFORM: Final = UUID(int=0)
_USERS: Final = Lines("user", "name", "name_key", longest=120)
_LINES: Final = (
    Lines("tenant", "name", "name_key", longest=120),
    Lines("membership", "name", "name_key", longest=120),
    Lines("api_key", "name", "name_key", longest=120),
    Lines("custom_role", "name", None, longest=120),
    Lines("project", "name", "name_key", longest=120, unique=True),
    Lines("project_item", "title", "title_key", longest=200),
)
_TEXTS: Final = (("project", "description"), ("project_item", "body"), ("custom_role", "description"))


def upgrade() -> None:
    _spell(_USERS, _PLATFORM)
    commit_step()  # each step holds the rows and the audit chain that it writes until it is committed
    for tenant_id in tenants_in_turn():
        for lines in _LINES:
            _spell(lines, tenant_id)
        for table, column in _TEXTS:
            op.get_bind().execute(
                text(
                    f"UPDATE {table} SET {column} = normalize({column}, NFC) "  # noqa: S608  # own words
                    f"WHERE {column} IS NOT NFC NORMALIZED"
                )
            )
        commit_step()


def downgrade() -> None:
    """Leave the texts: the code before reads them too."""


def _spell(lines: Lines, chain: UUID) -> None:
    for change in one_spelling(op.get_bind(), lines):
        record_migration(
            chain,
            f"{lines.table}.respelled",
            object_type=lines.table,
            object_id=change.id,
            before={lines.column: change.before},
            after={lines.column: change.after},
        )
