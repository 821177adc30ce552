"""The audit log. It has no foreign keys, so that events stay when the user or the tenant is deleted."""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from insula.core.ids import new_id
from insula.db.schema.base import Base


class AuditEvent(Base, table=True):
    """One act. ``tenant_id`` names the chain: the tenant's or, as the nil UUID, the platform's.

    A trigger sets ``sequence`` and the hashes, and refuses kinds of actors that the role may not record; another one
    refuses to change or delete a row.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "sequence"),
        Index(None, "tenant_id", "occurred_at", "id"),
        Index(None, "tenant_id", "actor_id", "occurred_at", "id"),
        Index(None, "tenant_id", "object_type", "object_id", "occurred_at", "id"),
    )

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    sequence: int = Field(sa_type=BigInteger)
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor_kind: str = Field(sa_type=Text)
    actor_id: UUID | None = None
    actor_label: str | None = Field(default=None, sa_type=Text)
    action: str = Field(sa_type=Text)
    object_type: str = Field(sa_type=Text)
    object_id: str = Field(sa_type=Text)
    before: dict[str, JsonValue] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    after: dict[str, JsonValue] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    request_id: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    previous_hash: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)


class AuditHead(Base, table=True):
    """The end of a chain. Appending to the chain locks this row."""

    tenant_id: UUID = Field(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
