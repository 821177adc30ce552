from typing import Final, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field

from insula.access.entitlements import quota
from insula.db.schema.base import TenantOwned, tenant_fk
from insula.db.schema.sorting import sort_key_of

BookStatus = Literal["open", "in_progress", "done"]


class Book(TenantOwned, table=True):
    """A book on a rack. The foreign key guarantees that its reader is a member of the same tenant."""

    __table_args__ = (
        tenant_fk("rack_id", "rack"),
        tenant_fk("reader_id", "membership", ondelete="SET NULL (reader_id)"),
        CheckConstraint("status IN ('open', 'in_progress', 'done')", name="ck_book_status"),
        Index(None, "tenant_id", "rack_id", "created_at", "id"),
        Index(None, "tenant_id", "rack_id", "title_key", "id"),
        Index(None, "tenant_id", "rack_id", "position", "id"),
        Index(None, "tenant_id", "reader_id"),
    )

    rack_id: UUID
    title: str = Field(sa_type=Text)
    title_key: bytes = sort_key_of("title")
    body: str = Field(default="", sa_type=Text)
    status: BookStatus = Field(default="open", sa_type=Text)
    position: int = 0
    reader_id: UUID | None = None


BOOKS: Final = quota("books", Book)
