from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from insula.db.schema.base import TenantOwned
from insula.db.schema.sorting import sort_key_of


class ApiKey(TenantOwned, table=True):
    """A machine's credentials for a tenant, stored as hashes. Revoked keys stay listed.

    After a rotation the previous secret stays valid until ``previous_until``. ``last_used_at`` is coarse,
    and updating it does not increment the version. ``created_by`` stays when the user is deleted.
    ``requests_per_minute`` limits the key in addition to the tenant's limit; None means no such limit.
    """

    __table_args__ = (
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="ck_api_key_previous"),
        CheckConstraint("requests_per_minute > 0", name="ck_api_key_requests_per_minute"),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "name_key", "id"),
    )

    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
    actions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    secret_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    previous_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_by: UUID | None = Field(default=None, sa_column=Column(Uuid))
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    requests_per_minute: int | None = Field(default=None, sa_column=Column(BigInteger))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
