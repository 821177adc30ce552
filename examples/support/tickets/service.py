"""The rules for tickets: opened for a member, answered once."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from insula.audit import record, snapshot
from insula.core.errors import AppError, NotFound
from insula.core.ids import TenantId
from insula.db.query.violations import violations_as
from insula.jobs import enqueue
from support.agents import AgentScope
from support.tickets import queries
from support.tickets.acts import Act
from support.tickets.errors import MemberNotFound, TicketAnswered
from support.tickets.models import Ticket
from support.tickets.schemas import TicketAnswer, TicketCreate, TicketList

SEND_ANSWER: Final = "support.send_answer"
"""The task that emails an answer: see ``support.tickets.jobs``."""

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {
    "fk_ticket_tenant_id": NotFound,
    "fk_ticket_tenant_id_member_id": MemberNotFound,
}


async def page(scope: AgentScope, params: TicketList) -> tuple[Sequence[Ticket], int]:
    """Return one page of the tickets of every tenant, and the total number of matches."""
    return await queries.page(scope.unit.session, params)


async def get(scope: AgentScope, ticket_id: UUID) -> Ticket:
    """Return the ticket. Raises NotFound."""
    return _found(await queries.find(scope.unit.session, ticket_id))


async def create(scope: AgentScope, tenant_id: TenantId, body: TicketCreate) -> Ticket:
    """Open a ticket for a member of the tenant. Raises NotFound and MemberNotFound."""
    await scope.unit.enter(tenant_id)
    ticket = Ticket(tenant_id=tenant_id, **body.model_dump())
    scope.unit.session.add(ticket)
    with violations_as(scope.unit, _VIOLATIONS):
        await scope.unit.session.flush()
    record(
        scope,
        Act.CREATED,
        object_type="ticket",
        object_id=ticket.id,
        after=snapshot(ticket),
        tenant_id=tenant_id,
    )
    return ticket


async def answer(scope: AgentScope, ticket_id: UUID, body: TicketAnswer) -> Ticket:
    """Answer the ticket, and queue an email with the answer. Raises NotFound and TicketAnswered."""
    session = scope.unit.session
    tenant_id = _found(await queries.find(session, ticket_id)).tenant_id
    await scope.unit.enter(tenant_id)
    ticket = _found(await queries.find(session, ticket_id, for_update=True))
    if ticket.status == "answered":
        raise TicketAnswered
    before = snapshot(ticket)
    ticket.status, ticket.answer, ticket.answered_by = "answered", body.answer, scope.principal.user_id
    await session.flush()
    await enqueue(scope.unit, SEND_ANSWER, {"ticket_id": str(ticket_id)}, tenant_id=tenant_id)
    record(
        scope,
        Act.ANSWERED,
        object_type="ticket",
        object_id=ticket_id,
        before=before,
        after=snapshot(ticket),
        tenant_id=tenant_id,
    )
    return ticket


def _found(ticket: Ticket | None) -> Ticket:
    if ticket is None:
        raise NotFound
    return ticket
