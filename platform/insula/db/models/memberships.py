from uuid import UUID

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid, text
from sqlmodel import Field

from insula.db.models.roles import custom_role_column
from insula.db.schema.base import TenantOwned
from insula.db.schema.sorting import sort_key_of


class Membership(TenantOwned, table=True):
    """A user's membership in a tenant. ``email`` and ``name`` are copies: a tenant may not read users.

    ``role`` is a built-in role or the key of one of the tenant's custom roles.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id"),
        ForeignKeyConstraint(
            ["tenant_id", "custom_role"], ["custom_role.tenant_id", "custom_role.key"], ondelete="RESTRICT"
        ),
        Index(None, "tenant_id", "custom_role", postgresql_where=text("custom_role IS NOT NULL")),
    )

    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True))
    role: str = Field(sa_type=Text)
    custom_role: str | None = Field(default=None, sa_column=Column(Text, custom_role_column()))
    email: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
