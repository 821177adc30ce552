from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from insula.core import clock
from insula.db.schema.base import Base, TenantOwned, tenant_fk


class OAuthConsent(TenantOwned, table=True):
    """A user's consent that a tenant's client may act for them, with these scopes.

    Without the row the client can do nothing: the sessions that it got by the consent are deleted with it.
    """

    __table_args__ = (
        tenant_fk("client_id", "oauth_client"),
        Index("uq_oauth_consent_tenant_id_client_id_user_id", "tenant_id", "client_id", "user_id", unique=True),
    )

    client_id: UUID = Field(sa_type=Uuid)
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))


class AuthorizationCode(Base, table=True):
    """The hash of a code, and the answer of the user that it stands for. Spent codes are kept to recognise replays."""

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    client_id: UUID = Field(sa_type=Uuid)
    parent_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("auth_session.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    """The session of the browser in which the user answered."""
    bound_tenant_id: UUID | None = Field(default=None, sa_type=Uuid)
    consent_id: UUID | None = Field(default=None, sa_type=Uuid)
    redirect_uri: str = Field(sa_type=Text)
    resource: str = Field(sa_type=Text)
    scopes: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text)))
    challenge: str = Field(sa_type=Text)
    """The S256 challenge (RFC 7636)."""
    nonce: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    session_id: UUID | None = Field(default=None, sa_type=Uuid)
    """The session that the code gave."""
