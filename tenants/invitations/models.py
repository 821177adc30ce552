from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Index, LargeBinary, Text, text
from sqlmodel import Field

from insula.core import clock
from insula.db.models.roles import custom_role_column
from insula.db.schema.base import TenantOwned

InvitationStatus = Literal["pending", "accepted", "revoked", "expired"]


class Invitation(TenantOwned, table=True):
    """An address that is invited to join, with a built-in or a custom role. Only the hash of its token is stored.

    ``invited_by`` is a user's id without a foreign key: the row stays when the user is deleted.
    """

    __table_args__ = (
        Index(
            "uq_invitation_open",
            "tenant_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
        Index(None, "tenant_id", "created_at", "id"),
        ForeignKeyConstraint(
            ["tenant_id", "custom_role"], ["custom_role.tenant_id", "custom_role.key"], ondelete="RESTRICT"
        ),
        Index(None, "tenant_id", "custom_role", postgresql_where=text("custom_role IS NOT NULL")),
    )

    email: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    custom_role: str | None = Field(
        default=None, sa_column=Column(Text, custom_role_column("accepted_at", "revoked_at"))
    )
    token_hash: bytes = Field(sa_type=LargeBinary)
    invited_by: UUID
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    accepted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    sent_count: int = 1
    last_sent_at: datetime = Field(default_factory=clock.now, sa_type=DateTime(timezone=True))

    @property
    def status(self) -> InvitationStatus:
        """Whether it is pending, accepted, revoked or expired."""
        if self.accepted_at is not None:
            return "accepted"
        if self.revoked_at is not None:
            return "revoked"
        return "pending" if clock.now() < self.expires_at else "expired"
