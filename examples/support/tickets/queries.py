"""Queries for tickets."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.text.searching import containing
from insula.db.models import Membership
from insula.db.query.pages import fetch_offset
from support.tickets.models import Ticket
from support.tickets.schemas import TicketList


class Answered(NamedTuple):
    """The contents of the email to the member who asked."""

    email: str
    subject: str
    answer: str | None


async def page(session: AsyncSession, params: TicketList) -> tuple[Sequence[Ticket], int]:
    """Return one page of the tickets of every tenant, and the total number of matches."""
    statement = select(Ticket)
    if params.search is not None:
        statement = statement.where(col(Ticket.subject).regexp_match(containing(params.search)))
    if params.status is not None:
        statement = statement.where(col(Ticket.status) == params.status)
    columns = {"created_at": col(Ticket.created_at)}
    return await fetch_offset(session, statement, params, columns=columns, identity=col(Ticket.id))


async def find(session: AsyncSession, ticket_id: UUID, *, for_update: bool = False) -> Ticket | None:
    """Return the ticket; ``for_update`` locks the row until this transaction ends."""
    statement = select(Ticket).where(col(Ticket.id) == ticket_id)
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()


async def answered(session: AsyncSession, ticket_id: UUID) -> Answered | None:
    """Return the contents of the email, or None if the member has left."""
    asked = (col(Ticket.tenant_id) == Membership.tenant_id) & (col(Ticket.member_id) == Membership.id)
    statement = (
        select(Membership.email, Ticket.subject, Ticket.answer).join(Ticket, asked).where(col(Ticket.id) == ticket_id)
    )
    found = (await session.exec(statement)).one_or_none()
    return None if found is None else Answered(*found)
