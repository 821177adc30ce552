from uuid import UUID

from sqlalchemy import Column, ForeignKey, Text, UniqueConstraint, Uuid
from sqlmodel import Field

from insula.db.base import TenantOwned


class Membership(TenantOwned, table=True):
    """A user's place in a tenant. ``email`` and ``name`` are copies: a tenant may not read users."""

    __table_args__ = (UniqueConstraint("tenant_id", "user_id"),)

    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True))
    role: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
