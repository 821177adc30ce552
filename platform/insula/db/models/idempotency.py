from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from insula import clock
from insula.db.base import Base

LIFETIME: Final = timedelta(hours=24)
"""How long an answer is kept."""


class IdempotencyRecord(Base, table=True):
    """The answer that a request with an idempotency key got.

    ``tenant_id`` is a partition: the tenant, or the user's own id for a request without a tenant.
    Therefore it references nothing.
    """

    __table_args__ = (Index("ix_idempotency_record_created_at", "created_at"),)

    tenant_id: UUID = Field(primary_key=True)
    principal_id: UUID = Field(primary_key=True)
    route: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int = Field(sa_column=Column(Integer, nullable=False))
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
