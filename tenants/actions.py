"""What can be done in this app, and which of a tenant's roles may do it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from insula.policy import Role


class Action(StrEnum):
    """An act on a resource, as the policy knows it."""

    ME_READ = "me:read"  # personal, as are the next two: every signed-in user may, so no role grants it
    ME_UPDATE = "me:update"
    TENANT_CREATE = "tenant:create"
    TENANT_READ = "tenant:read"
    TENANT_UPDATE = "tenant:update"
    MEMBER_READ = "member:read"
    MEMBER_UPDATE = "member:update"
    MEMBER_DELETE = "member:delete"
    MEMBER_LEAVE = "member:leave"
    OWNERSHIP_TRANSFER = "ownership:transfer"
    INVITATION_READ = "invitation:read"
    INVITATION_CREATE = "invitation:create"
    INVITATION_UPDATE = "invitation:update"
    INVITATION_DELETE = "invitation:delete"
    INVITATION_ACCEPT = "invitation:accept"  # personal: whom the invitation names
    API_KEY_READ = "api_key:read"
    API_KEY_CREATE = "api_key:create"
    API_KEY_UPDATE = "api_key:update"
    API_KEY_ROTATE = "api_key:rotate"
    API_KEY_REVOKE = "api_key:revoke"
    PROJECT_READ = "project:read"
    PROJECT_CREATE = "project:create"
    PROJECT_UPDATE = "project:update"
    PROJECT_DELETE = "project:delete"
    ITEM_READ = "item:read"
    ITEM_CREATE = "item:create"
    ITEM_UPDATE = "item:update"
    ITEM_DELETE = "item:delete"
    DOMAIN_READ = "domain:read"
    DOMAIN_CREATE = "domain:create"
    DOMAIN_VERIFY = "domain:verify"
    DOMAIN_DELETE = "domain:delete"
    USAGE_READ = "usage:read"
    AUDIT_READ = "audit:read"


_ANYBODY = frozenset({Action.TENANT_READ, Action.MEMBER_LEAVE})
_BILLING_MANAGER = _ANYBODY | {Action.USAGE_READ}
_VIEWER = _ANYBODY | {Action.MEMBER_READ, Action.PROJECT_READ, Action.ITEM_READ}
_MEMBER = _VIEWER | {
    Action.PROJECT_CREATE,
    Action.PROJECT_UPDATE,
    Action.ITEM_CREATE,
    Action.ITEM_UPDATE,
    Action.ITEM_DELETE,
}
_ADMIN = _MEMBER | {
    Action.TENANT_UPDATE,
    Action.MEMBER_UPDATE,
    Action.MEMBER_DELETE,
    Action.INVITATION_READ,
    Action.INVITATION_CREATE,
    Action.INVITATION_UPDATE,
    Action.INVITATION_DELETE,
    Action.API_KEY_READ,
    Action.API_KEY_CREATE,
    Action.API_KEY_UPDATE,
    Action.API_KEY_ROTATE,
    Action.API_KEY_REVOKE,
    Action.PROJECT_DELETE,
    Action.DOMAIN_READ,
    Action.DOMAIN_CREATE,
    Action.DOMAIN_VERIFY,
    Action.DOMAIN_DELETE,
    Action.USAGE_READ,
    Action.AUDIT_READ,
}
_OWNER = _ADMIN | {Action.OWNERSHIP_TRANSFER}

GRANTS: Mapping[str, frozenset[Action]] = {
    Role.OWNER: _OWNER,
    Role.ADMIN: _ADMIN,
    Role.MEMBER: _MEMBER,
    Role.VIEWER: _VIEWER,
    Role.BILLING_MANAGER: _BILLING_MANAGER,
}

FOR_PEOPLE: Final = frozenset(
    {
        Action.MEMBER_UPDATE,
        Action.MEMBER_DELETE,
        Action.MEMBER_LEAVE,
        Action.OWNERSHIP_TRANSFER,
        Action.INVITATION_CREATE,
        Action.INVITATION_UPDATE,
        Action.INVITATION_DELETE,
        Action.API_KEY_READ,
        Action.API_KEY_CREATE,
        Action.API_KEY_UPDATE,
        Action.API_KEY_ROTATE,
        Action.API_KEY_REVOKE,
    }
)
"""What gives access to others, or is somebody's own: no API key can be given it."""
