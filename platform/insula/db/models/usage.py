"""Each tenant's usage of its quotas."""

from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlmodel import Field

from insula.db.schema.base import Base


class TenantUsage(Base, table=True):
    """The number of rows that count towards a tenant's quota; triggers update it (``insula.db.schema.counting``)."""

    tenant_id: UUID = Field(primary_key=True)
    resource: str = Field(sa_type=Text, primary_key=True)
    used: int = Field(sa_type=BigInteger)
