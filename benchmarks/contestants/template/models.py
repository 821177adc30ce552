"""The tables as models, in the style of templates."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, MetaData
from sqlmodel import Field, SQLModel


class Base(SQLModel):
    """A base with its own metadata, separate from the product's."""

    metadata = MetaData()


class User(Base, table=True):
    """A user."""

    __tablename__ = "user"  # type: ignore[mutable-override]  # SQLModel types it so

    id: UUID = Field(primary_key=True)
    email: str
    name: str
    status: str


class Membership(Base, table=True):
    """A user's membership in a tenant."""

    __tablename__ = "membership"  # type: ignore[mutable-override]  # SQLModel types it so

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    user_id: UUID
    role: str


class Item(Base, table=True):
    """An item."""

    __tablename__ = "project_item"  # type: ignore[mutable-override]  # SQLModel types it so

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    project_id: UUID
    title: str
    body: str
    status: str
    position: int
    assignee_id: UUID | None
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    version: int
