from typing import Final, Literal

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from insula.access.entitlements import quota
from insula.db.schema.base import TenantOwned
from insula.db.schema.sorting import sort_key_of

RackStatus = Literal["active", "archived"]


class Rack(TenantOwned, table=True):
    """A place where a tenant keeps books."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("status IN ('active', 'archived')", name="ck_rack_status"),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "name_key", "id"),
    )

    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
    description: str = Field(default="", sa_type=Text)
    status: RackStatus = Field(default="active", sa_type=Text)


RACKS: Final = quota("racks", Rack)
