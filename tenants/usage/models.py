from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlmodel import Field

from insula.db.base import Base

Counted = Literal["projects", "items"]
Quota = Literal["projects", "items", "seats", "api_keys", "domains"]


class TenantUsage(Base, table=True):
    """How many rows of a kind the tenant has. Triggers on the counted tables keep it, whoever changes them."""

    tenant_id: UUID = Field(primary_key=True)
    resource: str = Field(sa_type=Text, primary_key=True)
    used: int = Field(sa_type=BigInteger)
