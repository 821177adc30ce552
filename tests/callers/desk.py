"""A small app with a kind of caller of its own: users who have a row in ``desk_agent``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, FastAPI
from fastapi.params import Depends as DependsParam
from pydantic import BaseModel
from sqlalchemy import MetaData
from sqlmodel import Field

from insula.callers import (
    Admitted,
    AppCallers,
    Errors,
    RoleCallers,
    RoleHolder,
    Roles,
)
from insula.core.errors import AppError, Retry
from insula.core.settings import Settings
from insula.http.app_context import AppContext, AppWithContext, set_context
from insula.http.responses.handlers import install_handlers
from insula.http.routing.guards import RoleGuard, depends
from insula.http.routing.route import TenantRoute
from insula.http.routing.route_check import check_callers
from insula.scope import RolePrincipal, RoleScope
from tenants.database import TENANTS

ROLE: Final = TENANTS


class AgentRole(StrEnum):
    LEAD = "desk_lead"
    CLERK = "desk_clerk"


class Action(StrEnum):
    TICKET_READ = "desk_agent.ticket:read"
    TICKET_CREATE = "desk_agent.ticket:create"


GRANTS: Final[Mapping[str, frozenset[Action]]] = {
    AgentRole.LEAD: frozenset(Action),
    AgentRole.CLERK: frozenset({Action.TICKET_READ}),
}


class AgentsOnly(AppError):
    """This resource is for the support desk."""

    code, status = "desk_only", 403
    meaning = "You are signed in, but you are no agent of the support desk."
    cure = "Ask a lead of the support desk to add you."
    retry = Retry.NO


@dataclass(frozen=True, slots=True)
class AgentPrincipal(RolePrincipal):
    """A user who works at the support desk."""

    kind: ClassVar[str] = "desk_agent"


@dataclass(frozen=True, slots=True)
class AgentScope(RoleScope[AgentPrincipal]):
    """An agent at work."""


class DeskAgent(RoleHolder, table=True):
    """A user who works at the support desk."""

    metadata = MetaData()  # not in the product's metadata: the tests create and drop the table

    user_id: UUID = Field(primary_key=True)  # its foreign key leads into the product's metadata


class DeskAgents(RoleCallers):
    """Users who have a row in ``desk_agent``."""

    roles: ClassVar[Roles] = AgentRole
    errors: ClassVar[Errors] = (AgentsOnly,)
    model: ClassVar[type[RoleHolder]] = DeskAgent
    principal_type: ClassVar[type[RolePrincipal]] = AgentPrincipal


class AgentGuard(RoleGuard[AgentPrincipal, AgentScope]):
    """For agents whose role has the action."""

    admits: ClassVar[Admitted] = (DeskAgents,)
    principal_type = AgentPrincipal
    scope_type = AgentScope
    requests_per_minute = 600


def allow_agent(action: Action) -> DependsParam:
    """Return the dependency that gives an AgentScope to agents whose role has ``action``."""
    return depends(AgentGuard(action))


class CallerView(BaseModel):
    """The app's view of its caller."""

    kind: str
    role: str
    creates: bool


async def read(scope: Annotated[AgentScope, allow_agent(Action.TICKET_READ)]) -> CallerView:
    return CallerView(kind=scope.principal.kind, role=scope.principal.role, creates=scope.may(Action.TICKET_CREATE))


async def create(_scope: Annotated[AgentScope, allow_agent(Action.TICKET_CREATE)]) -> str:
    return "created"


def context_of_desk(settings: Settings, callers: AppCallers | None = None) -> AppContext:
    """Return the app's context: its audience, its login, and the callers that it lets in."""
    audience = f"{settings.public_url.rstrip('/')}/desk"
    return AppContext("desk", audience, ROLE, callers or AppCallers(DeskAgents()), "Support desk", frozenset(Action))


def build(context: AppContext) -> FastAPI:
    """Return the app. Raises UndeclaredRoute where its callers are not those of its routes."""
    app = AppWithContext(openapi_url=None)
    install_handlers(app)
    router = APIRouter(prefix="/v1", route_class=TenantRoute)
    router.add_api_route("/tickets", read)
    router.add_api_route("/tickets", create, methods=["POST"])
    app.include_router(router)
    set_context(app, context)
    check_callers(app, context)
    return app
