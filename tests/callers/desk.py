"""A small app with a kind of caller of its own: users who have a row in ``support_agent``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, FastAPI
from fastapi.params import Depends as DependsParam
from pydantic import BaseModel
from sqlalchemy import text

from insula.auth import Claims
from insula.callers import (
    Admitted,
    AppCallers,
    Errors,
    Identity,
    NamedTenants,
    Roles,
    Sources,
    TokenCallers,
    plain_user,
)
from insula.db.roles import DatabaseRole
from insula.errors import AppError
from insula.http.access import RoleGuard, depends
from insula.http.app_context import AppContext, AppWithContext, give_context
from insula.http.handlers import install_handlers
from insula.http.route import TenantRoute
from insula.http.seal import check_callers
from insula.ids import UserId
from insula.scope import Principal, RolePrincipal, RoleScope
from insula.settings import Settings
from insula.tenancy import Access

ROLE: Final = DatabaseRole.TENANTS
_AGENT: Final = text("SELECT role FROM support_agent WHERE user_id = :user_id")


class AgentRole(StrEnum):
    LEAD = "desk_lead"
    CLERK = "desk_clerk"


class Action(StrEnum):
    TICKET_READ = "desk.ticket:read"
    TICKET_CLOSE = "desk.ticket:close"


GRANTS: Final[Mapping[str, frozenset[Action]]] = {
    AgentRole.LEAD: frozenset(Action),
    AgentRole.CLERK: frozenset({Action.TICKET_READ}),
}


class AgentsOnly(AppError):
    """This resource is for the support desk."""

    code, status = "agents_only", 403


@dataclass(frozen=True, slots=True)
class AgentPrincipal(RolePrincipal):
    """A user who works at the support desk."""

    kind: ClassVar[str] = "support_agent"


@dataclass(frozen=True, slots=True)
class AgentScope(RoleScope[AgentPrincipal]):
    """An agent at work."""


class SupportAgents(TokenCallers):
    """Users who have a row in ``support_agent``; they act in no tenant. The row is read at each request."""

    roles: ClassVar[Roles] = AgentRole
    errors: ClassVar[Errors] = (AgentsOnly,)

    async def sign_in(self, user_id: UserId, named: NamedTenants, sources: Sources) -> None:
        """Let agents sign in, without a tenant. Raises AgentsOnly."""
        if named or await _role(user_id, sources) is None:
            raise AgentsOnly

    async def identity_of(self, claims: Claims, access: Access, sources: Sources) -> Identity[Principal]:
        """Return the user as an agent, as long as the row is there."""
        role = await _role(claims.user_id, sources)
        if role is None:
            return plain_user(claims, access)
        return Identity(AgentPrincipal(claims.user_id, claims.session_id, role, access.email))


async def _role(user_id: UserId, sources: Sources) -> str | None:
    async with sources.unit(user_id) as unit:
        connection = await unit.session.connection()
        role: str | None = (await connection.execute(_AGENT, {"user_id": user_id})).scalar_one_or_none()
    return role


class AgentGuard(RoleGuard[AgentPrincipal, AgentScope]):
    """For agents whose role has the action."""

    admits: ClassVar[Admitted] = (SupportAgents,)
    principal_type = AgentPrincipal
    scope_type = AgentScope
    requests_per_minute = 600


def allow_agent(action: Action) -> DependsParam:
    """Return the dependency that gives an AgentScope to agents whose role has ``action``."""
    return depends(AgentGuard(action))


class Seen(BaseModel):
    """What the app knows of its caller."""

    kind: str
    role: str
    closes: bool


async def read(scope: Annotated[AgentScope, allow_agent(Action.TICKET_READ)]) -> Seen:
    return Seen(kind=scope.principal.kind, role=scope.principal.role, closes=scope.may(Action.TICKET_CLOSE))


async def close(_scope: Annotated[AgentScope, allow_agent(Action.TICKET_CLOSE)]) -> str:
    return "closed"


def context_of_desk(settings: Settings, callers: AppCallers | None = None) -> AppContext:
    """Return the app's context: its audience, its login, and the callers that it lets in."""
    audience = f"{settings.public_url.rstrip('/')}/desk"
    return AppContext("desk", audience, ROLE, callers or AppCallers(SupportAgents()))


def build(context: AppContext) -> FastAPI:
    """Return the app. Raises UndeclaredRoute where its callers are not those of its routes."""
    app = AppWithContext(openapi_url=None)
    install_handlers(app)
    router = APIRouter(prefix="/v1", route_class=TenantRoute)
    router.add_api_route("/tickets", read)
    router.add_api_route("/tickets/close", close, methods=["POST"])
    app.include_router(router)
    give_context(app, context)
    check_callers(app, context)
    return app
