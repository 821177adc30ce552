from typing import Final

from sqlalchemy import CheckConstraint, Column, Computed, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from insula.db.schema.base import TenantOwned

# As PostgreSQL prints them, so that Alembic finds no difference.
_MEMBERS: Final = "'owner'::text, 'admin'::text, 'member'::text, 'viewer'::text, 'billing_manager'::text"
_STAFF: Final = "'superuser'::text, 'support'::text, 'auditor'::text"


def custom_role_column(*ended_by: str) -> Computed:
    """Return the generated value of a column ``custom_role``: ``role`` if that is a custom role, else null.

    It is also null once one of the columns ``ended_by`` is set, so that an ended row does not block deleting the role.
    """
    nothing = [f"(role = ANY (ARRAY[{_MEMBERS}]))", *(f"({column} IS NOT NULL)" for column in ended_by)]
    return Computed(f"CASE WHEN {' OR '.join(nothing)} THEN NULL::text ELSE role END", persisted=True)


class CustomRole(TenantOwned, table=True):
    """A role that a tenant defines. Memberships and invitations name it by its key, which never changes.

    Their column ``custom_role`` references it, and the database derives that column from ``role``: code
    sets only ``role``, and a role that is in use cannot be deleted.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint(f"key <> ALL (ARRAY[{_MEMBERS}, {_STAFF}])", name="ck_custom_role_key"),
    )

    key: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    description: str = Field(default="", sa_type=Text)
    permissions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
