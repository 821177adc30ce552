from enum import StrEnum
from typing import ClassVar

from fastapi.params import Depends as DependsParam

from insula.callers import Admitted
from insula.http.routing.guards import RoleGuard, depends
from support.agents import AgentPrincipal, AgentScope, SupportAgents


class AgentGuard(RoleGuard[AgentPrincipal, AgentScope]):
    """Admits agents whose role has the action."""

    admits: ClassVar[Admitted] = (SupportAgents,)
    principal_type = AgentPrincipal
    scope_type = AgentScope
    requests_per_minute = 600


def allow_agent(action: StrEnum) -> DependsParam:
    """Return the dependency that gives an AgentScope to agents whose role has ``action``."""
    return depends(AgentGuard(action))
