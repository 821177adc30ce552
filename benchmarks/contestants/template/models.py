"""The tables, as the templates' models map them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, MetaData
from sqlmodel import Field, SQLModel


class Base(SQLModel):
    """Apart from the product's metadata."""

    metadata = MetaData()


class User(Base, table=True):
    """Who asks."""

    __tablename__ = "user"  # type: ignore[mutable-override]  # SQLModel types it so

    id: UUID = Field(primary_key=True)
    email: str
    name: str
    status: str


class Membership(Base, table=True):
    """Who belongs where."""

    __tablename__ = "membership"  # type: ignore[mutable-override]  # SQLModel types it so

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    user_id: UUID
    role: str


class Item(Base, table=True):
    """What is read."""

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
