"""Roles that tenants define; memberships and invitations name them by key, and hold them in place.

The code before this one makes and changes memberships as ever: what it writes is a built-in role. A
member with a role of the tenant's own is refused by it, so define the first when all processes run
this version.
"""

from typing import Final

from alembic import op
from sqlalchemy import CheckConstraint, Column, Computed, ForeignKeyConstraint, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY

from insula.db.ddl import add_foreign_key, create_tenant_table, notify_access, protect

revision: Final = "1100_custom_roles"
down_revision: Final = "1000_overrides"

_MEMBERS: Final = "'owner'::text, 'admin'::text, 'member'::text, 'viewer'::text, 'billing_manager'::text"
_STAFF: Final = "'superuser'::text, 'support'::text, 'auditor'::text"
_TO_VIEWERS: Final = (
    "UPDATE membership SET role = 'viewer' WHERE custom_role IS NOT NULL",
    "UPDATE invitation SET role = 'viewer' WHERE custom_role IS NOT NULL",
)
_HOLDERS: Final = {
    "membership": f"(role = ANY (ARRAY[{_MEMBERS}]))",
    "invitation": f"(role = ANY (ARRAY[{_MEMBERS}])) OR (accepted_at IS NOT NULL) OR (revoked_at IS NOT NULL)",
}


def upgrade() -> None:
    create_tenant_table(
        "custom_role",
        Column("key", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("permissions", ARRAY(Text), nullable=False),
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint(f"key <> ALL (ARRAY[{_MEMBERS}, {_STAFF}])", name="ck_custom_role_key"),
    )
    # Nobody has a role that was just made, and one that is deleted nobody had.
    notify_access("custom_role", {"tenant": "tenant_id"}, columns=["permissions"], made=False)
    for table, nothing in _HOLDERS.items():
        own = Computed(f"CASE WHEN {nothing} THEN NULL::text ELSE role END", persisted=True)
        op.add_column(table, Column("custom_role", Text, own))
        op.create_index(None, table, ["tenant_id", "custom_role"], postgresql_where=text("custom_role IS NOT NULL"))
        add_foreign_key(
            table,
            ForeignKeyConstraint(
                ["tenant_id", "custom_role"], ["custom_role.tenant_id", "custom_role.key"], ondelete="RESTRICT"
            ),
        )
        protect(table)


def downgrade() -> None:
    """Make viewers of the members and the invited who have a role of the tenant's own."""
    for table, to_viewers in zip(_HOLDERS, _TO_VIEWERS, strict=True):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # for this statement the owner sees all
        op.execute(to_viewers)
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.drop_column(table, "custom_role")
        protect(table)
    op.drop_table("custom_role")
