from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Text
from sqlmodel import Field

from insula.core import clock
from insula.db.schema.base import Base


class JobEffect(Base, table=True):
    """An effect that a job has had, so that running the job again does not repeat it.

    ``tenant_id`` is a partition: the tenant, or the nil UUID for a job without one. Therefore it is
    no foreign key.
    """

    __table_args__ = (Index("ix_job_effect_created_at", "created_at"),)

    tenant_id: UUID = Field(primary_key=True)
    key: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
