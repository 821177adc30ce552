"""How much of its quotas each tenant uses."""

from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlmodel import Field

from insula.db.schema.base import Base


class TenantUsage(Base, table=True):
    """How many rows of a quota the tenant has. Triggers on counted tables keep it: ``insula.db.schema.counting``."""

    tenant_id: UUID = Field(primary_key=True)
    resource: str = Field(sa_type=Text, primary_key=True)
    used: int = Field(sa_type=BigInteger)
