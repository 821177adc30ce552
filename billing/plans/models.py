from sqlalchemy import BigInteger, CheckConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from insula.db.schema.base import Base


class Plan(Base, table=True):
    """A plan and the entitlements that it grants. Only migrations change it."""

    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="ck_plan_price_minor"),
        CheckConstraint("interval in ('month', 'year')", name="ck_plan_interval"),
    )

    key: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    price_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    interval: str = Field(sa_type=Text)
    entitlements: dict[str, int] = Field(sa_type=JSONB)
    active: bool = True
    provider_price_id: str | None = Field(default=None, unique=True, sa_type=Text)
    lookup_key: str | None = Field(default=None, unique=True, sa_type=Text)
