"""What can be done in this app, and which of a tenant's roles may do it."""

from collections.abc import Mapping
from enum import StrEnum

from insula.policy import Role


class Action(StrEnum):
    """An act on a resource, as the policy knows it."""

    ME_READ = "me:read"  # personal, as is the next: every signed-in user may, so no role grants it
    TENANT_CREATE = "tenant:create"
    TENANT_READ = "tenant:read"
    TENANT_UPDATE = "tenant:update"
    MEMBER_READ = "member:read"
    PROJECT_READ = "project:read"
    PROJECT_CREATE = "project:create"
    PROJECT_UPDATE = "project:update"
    PROJECT_DELETE = "project:delete"
    ITEM_READ = "item:read"
    ITEM_CREATE = "item:create"
    ITEM_UPDATE = "item:update"
    ITEM_DELETE = "item:delete"


_BILLING_MANAGER = frozenset({Action.TENANT_READ})
_VIEWER = _BILLING_MANAGER | {Action.MEMBER_READ, Action.PROJECT_READ, Action.ITEM_READ}
_MEMBER = _VIEWER | {
    Action.PROJECT_CREATE,
    Action.PROJECT_UPDATE,
    Action.ITEM_CREATE,
    Action.ITEM_UPDATE,
    Action.ITEM_DELETE,
}
_ADMIN = _MEMBER | {Action.TENANT_UPDATE, Action.PROJECT_DELETE}

GRANTS: Mapping[str, frozenset[Action]] = {
    Role.OWNER: _ADMIN,
    Role.ADMIN: _ADMIN,
    Role.MEMBER: _MEMBER,
    Role.VIEWER: _VIEWER,
    Role.BILLING_MANAGER: _BILLING_MANAGER,
}
