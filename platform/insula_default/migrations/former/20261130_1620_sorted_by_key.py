"""Indexes on the sort keys, in place of those on the names. Each step may be repeated."""

from typing import Final

from insula.db.migrate.online import create_index, drop_index

revision: Final = "1620_sorted_by_key"
down_revision: Final = "1610_one_spelling"

_KEYS: Final = {
    "project": ("tenant_id", "name_key", "id"),
    "project_item": ("tenant_id", "project_id", "title_key", "id"),
    "api_key": ("tenant_id", "name_key", "id"),
}
_NAMES: Final = {
    "project_item": ("tenant_id", "project_id", "title", "id"),
    "api_key": ("tenant_id", "name", "id"),
}


def upgrade() -> None:
    for table, columns in _KEYS.items():
        create_index(_named(table, columns), table, columns)
    for table, columns in _NAMES.items():
        drop_index(_named(table, columns), table)


def downgrade() -> None:
    for table, columns in _NAMES.items():
        create_index(_named(table, columns), table, columns)
    for table, columns in _KEYS.items():
        drop_index(_named(table, columns), table)


def _named(table: str, columns: tuple[str, ...]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"
