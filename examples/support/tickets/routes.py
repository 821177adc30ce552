from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from insula.core.errors import NotFound
from insula.core.ids import TenantId
from insula.core.paging import OffsetPage
from insula.http.responses.problems import problems
from insula.http.routing.route import TenantRoute
from support.agents import AgentScope
from support.dependencies import allow_agent
from support.tickets import service as tickets
from support.tickets.errors import MemberNotFound, TicketAnswered
from support.tickets.permissions import Action
from support.tickets.schemas import TicketAnswer, TicketCreate, TicketList, TicketRead

router = APIRouter(tags=["tickets"], route_class=TenantRoute)

TenantIdDep = Annotated[UUID, Path(description="The tenant's id.")]
TicketIdDep = Annotated[UUID, Path(description="The ticket's id.")]


@router.get("/tickets", summary="List tickets")
async def list_tickets(
    params: Annotated[TicketList, Query()], scope: Annotated[AgentScope, allow_agent(Action.READ)]
) -> OffsetPage[TicketRead]:
    """List the tickets of every tenant, the oldest first; ``search`` looks into the subject."""
    rows, total = await tickets.page(scope, params)
    items = [TicketRead.of(row) for row in rows]
    return OffsetPage[TicketRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.get("/tickets/{ticket_id}", summary="Read a ticket", responses=problems(NotFound))
async def read_ticket(ticket_id: TicketIdDep, scope: Annotated[AgentScope, allow_agent(Action.READ)]) -> TicketRead:
    """Return one ticket."""
    return TicketRead.of(await tickets.get(scope, ticket_id))


@router.post(
    "/tenants/{tenant_id}/tickets",
    status_code=201,
    summary="Open a ticket",
    responses=problems(NotFound, MemberNotFound),
)
async def create_ticket(
    tenant_id: TenantIdDep, body: TicketCreate, scope: Annotated[AgentScope, allow_agent(Action.CREATE)]
) -> TicketRead:
    """Open a ticket with the question of a member of the tenant."""
    return TicketRead.of(await tickets.create(scope, TenantId(tenant_id), body))


@router.post("/tickets/{ticket_id}/answer", summary="Answer a ticket", responses=problems(NotFound, TicketAnswered))
async def answer_ticket(
    ticket_id: TicketIdDep, body: TicketAnswer, scope: Annotated[AgentScope, allow_agent(Action.ANSWER)]
) -> TicketRead:
    """Answer a ticket, once. The member who asked gets the answer by email."""
    return TicketRead.of(await tickets.answer(scope, ticket_id, body))
