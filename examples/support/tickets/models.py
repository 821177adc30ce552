from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field

from insula.db.schema.base import TenantOwned, tenant_fk

TicketStatus = Literal["open", "answered"]


class Ticket(TenantOwned, table=True):
    """A question of a tenant's member, and the answer. Tickets stay when their member leaves."""

    __table_args__ = (
        tenant_fk("member_id", "membership", ondelete="SET NULL (member_id)"),
        CheckConstraint("status IN ('open', 'answered')", name="ck_ticket_status"),
        Index(None, "created_at", "id"),
        Index(None, "tenant_id", "member_id"),
    )

    member_id: UUID | None = None
    subject: str = Field(sa_type=Text)
    question: str = Field(sa_type=Text)
    status: TicketStatus = Field(default="open", sa_type=Text)
    answer: str | None = Field(default=None, sa_type=Text)
    answered_by: UUID | None = None
