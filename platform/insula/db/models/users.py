from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Text, UniqueConstraint, Uuid
from sqlmodel import Field

from insula.core import clock
from insula.core.ids import new_id
from insula.db.models.tenants import ACTIVE
from insula.db.schema.base import Base, Stamped
from insula.db.schema.sorting import sort_key_of


class User(Stamped, table=True):
    """A person, in any number of tenants. The role of the app ``tenants`` may not read users: see ``Membership``."""

    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email)", name="ck_user_email"),
        CheckConstraint("status in ('active', 'suspended')", name="ck_user_status"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
    status: str = Field(default=ACTIVE, sa_type=Text)
    email_verified_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Credential(Base, table=True):
    """A user's password hash. Of the roles of serving processes, only the identity role may read it."""

    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), primary_key=True))
    password_hash: str = Field(sa_type=Text)
    updated_at: datetime = Field(
        default_factory=clock.now,
        sa_column=Column(DateTime(timezone=True), nullable=False, onupdate=clock.now),
    )


class Staff(Base, table=True):
    """A user who works for the operator of the installation."""

    __table_args__ = (CheckConstraint("role in ('auditor', 'support', 'superuser')", name="ck_staff_role"),)

    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), primary_key=True))
    role: str = Field(sa_type=Text)
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
