from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Column, DateTime, ForeignKey, ForeignKeyConstraint, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from insula.core import clock
from insula.core.ids import new_id
from insula.db.schema.base import Base


class AuthSession(Base, table=True):
    """One login, and the family of its refresh tokens. Its id is the ``sid`` of its tokens.

    A session that an OAuth client got by a code has the browser's session as its ``parent_id`` and ends with it; the
    parent may be deleted earlier. If the client is a tenant's, the session ends also with the user's consent.
    ``bound_tenant_id`` grants nothing: each use looks for the user's membership.
    """

    __table_args__ = (
        ForeignKeyConstraint(
            ["bound_tenant_id", "consent_id"], ["oauth_consent.tenant_id", "oauth_consent.id"], ondelete="CASCADE"
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True))
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
    last_used_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    refresh_by: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    """The end of the session unless it is refreshed before; None for one that an earlier version opened."""
    client_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    """The OAuth client that its refresh tokens are bound to, with the most that they may ask for; None: no bound."""
    resource: str | None = Field(default=None, sa_column=Column(Text))
    scopes: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text)))
    parent_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    bound_tenant_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    """The tenant of its tokens; None for tokens without a tenant, and for a session that may choose."""
    consent_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    authenticated_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    """When the user signed in; None: when the session was created."""


class RefreshToken(Base, table=True):
    """The hash of a refresh token, and of the child that it was exchanged for."""

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    session_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("auth_session.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    child_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))


class BrowserSession(Base, table=True):
    """The hash of a cookie's secret. It is valid as long as its session, unless it is idle for too long.

    The chosen tenant is a preference and grants nothing: each use looks for the user's membership. So nothing refers to
    the tenant, which may be gone.
    """

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    session_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("auth_session.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    chosen_tenant_id: UUID | None = Field(default=None, sa_type=Uuid)
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
    last_seen_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))


class SigningKey(Base, table=True):
    """A key that signs access tokens; its private half is encrypted with the key-encryption key."""

    kid: str = Field(sa_column=Column(Text, primary_key=True))
    algorithm: str = Field(sa_type=Text)
    public_jwk: dict[str, JsonValue] = Field(sa_column=Column(JSONB, nullable=False))
    private_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
