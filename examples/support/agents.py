"""The app's own kind of caller: users who have a row in ``support_agent``."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from sqlalchemy import CheckConstraint

from insula.callers import Errors, RoleCallers, RoleHolder, Roles
from insula.core.errors import AppError, Retry
from insula.scope import RolePrincipal, RoleScope


class AgentRole(StrEnum):
    """The roles of agents at the support desk."""

    LEAD = "support_lead"
    CLERK = "support_clerk"


EVERY_AGENT: Final = frozenset(AgentRole)
LEADS: Final = frozenset({AgentRole.LEAD})


class AgentsOnly(AppError):
    """This resource is for the support desk."""

    code, status = "agents_only", 403
    meaning = "You are signed in, but you are no agent of the support desk."
    cure = "Ask a lead of the support desk to add you."
    retry = Retry.NO


class SupportAgent(RoleHolder, table=True):
    """A user who works at the support desk."""

    __table_args__ = (CheckConstraint("role in ('support_lead', 'support_clerk')", name="ck_support_agent_role"),)


@dataclass(frozen=True, slots=True)
class AgentPrincipal(RolePrincipal):
    """A user who works at the support desk."""

    kind: ClassVar[str] = "support_agent"


@dataclass(frozen=True, slots=True)
class AgentScope(RoleScope[AgentPrincipal]):
    """The scope of an agent's request."""


class SupportAgents(RoleCallers):
    """Users who have a row in ``support_agent``."""

    roles: ClassVar[Roles] = AgentRole
    errors: ClassVar[Errors] = (AgentsOnly,)
    model: ClassVar[type[RoleHolder]] = SupportAgent
    principal_type: ClassVar[type[RolePrincipal]] = AgentPrincipal
