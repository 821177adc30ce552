from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Text, UniqueConstraint
from sqlmodel import Field

from insula.db.schema.base import TenantOwned


class EntitlementOverride(TenantOwned, table=True):
    """The amount of one entitlement that staff grant a tenant instead of its plan's, until it expires.

    ``created_by`` is a user's id without a foreign key: it stays when the user is deleted.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint("value >= 0", name="ck_entitlement_override_value"),
        Index(None, "expires_at"),
    )

    key: str = Field(sa_type=Text)
    value: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_by: UUID
