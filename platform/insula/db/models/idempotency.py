from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from insula.core import clock
from insula.db.schema.base import Base

LIFETIME: Final = timedelta(hours=24)
"""How long an answer is kept."""
OPERATION: Final = r"regexp_replace(route, '^([^./]+)\..*\.', '\1/')"
"""A record's operation in SQL. The previous release named a record by module:
``tenants.tenants.routes.projects.create`` is ``tenants/create`` now. Until its keys have expired, this expression
finds the records of both releases and keeps them unique.
"""


class IdempotencyRecord(Base, table=True):
    """The stored answer to a request with an idempotency key.

    ``tenant_id`` is a partition: the tenant, or the user's own id for a request without a tenant.
    Therefore it is no foreign key. ``route`` is the app and the operation's id: ``tenants/create_project``.
    """

    __table_args__ = (
        Index("ix_idempotency_record_created_at", "created_at"),
        Index("uq_idempotency_record_operation", "tenant_id", "principal_id", "key", text(OPERATION), unique=True),
    )

    tenant_id: UUID = Field(primary_key=True)
    principal_id: UUID = Field(primary_key=True)
    route: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int = Field(sa_column=Column(Integer, nullable=False))
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
