"""What can be done in this app, and which of a tenant's roles may do it."""

from collections.abc import Mapping
from typing import Final

from insula.policy import Permission, Role


class Action(Permission):
    """An act on a resource, as the policy knows it, and what it lets people do."""

    ME_READ = "me:read"  # personal, as are the next two: every signed-in user may, so no role grants it
    ME_UPDATE = "me:update"
    TENANT_CREATE = "tenant:create"
    TENANT_READ = "tenant:read", "See the tenant and its plan"
    TENANT_UPDATE = "tenant:update", "Change the tenant's name, slug, time zone and locale"
    MEMBER_READ = "member:read", "See who belongs to the tenant, and as what"
    MEMBER_UPDATE = "member:update", "Give members other roles"
    MEMBER_DELETE = "member:delete", "Remove members"
    MEMBER_LEAVE = "member:leave", "Leave the tenant"
    ROLE_READ = "role:read", "See roles, and what they may be given"
    ROLE_CREATE = "role:create", "Define roles, of permissions that one has"
    ROLE_UPDATE = "role:update", "Change roles, of permissions that one has"
    ROLE_DELETE = "role:delete", "Delete roles that nobody has"
    OWNERSHIP_TRANSFER = "ownership:transfer", "Hand the ownership on"
    INVITATION_READ = "invitation:read", "See invitations"
    INVITATION_CREATE = "invitation:create", "Invite people"
    INVITATION_UPDATE = "invitation:update", "Send invitations again"
    INVITATION_DELETE = "invitation:delete", "Take invitations back"
    INVITATION_ACCEPT = "invitation:accept"  # personal: whom the invitation names
    API_KEY_READ = "api_key:read", "See API keys, not their secrets"
    API_KEY_CREATE = "api_key:create", "Make API keys"
    API_KEY_UPDATE = "api_key:update", "Rename API keys"
    API_KEY_LIMIT = "api_key:limit", "Set how many requests API keys may make"
    API_KEY_ROTATE = "api_key:rotate", "Give API keys new secrets"
    API_KEY_REVOKE = "api_key:revoke", "Revoke API keys"
    PROJECT_READ = "project:read", "See projects"
    PROJECT_CREATE = "project:create", "Create projects"
    PROJECT_UPDATE = "project:update", "Change and archive projects"
    PROJECT_DELETE = "project:delete", "Delete projects, with their items"
    ITEM_READ = "item:read", "See items"
    ITEM_CREATE = "item:create", "Create items"
    ITEM_UPDATE = "item:update", "Change, move and assign items"
    ITEM_DELETE = "item:delete", "Delete items"
    DOMAIN_READ = "domain:read", "See the tenant's own host names"
    DOMAIN_CREATE = "domain:create", "Claim host names for the tenant"
    DOMAIN_VERIFY = "domain:verify", "Have the proof of a host name looked up"
    DOMAIN_DELETE = "domain:delete", "Give host names up"
    USAGE_READ = "usage:read", "See how much of the plan is used"
    AUDIT_READ = "audit:read", "Read the audit log"


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
    Action.ROLE_READ,
    Action.ROLE_CREATE,
    Action.ROLE_UPDATE,
    Action.ROLE_DELETE,
    Action.INVITATION_READ,
    Action.INVITATION_CREATE,
    Action.INVITATION_UPDATE,
    Action.INVITATION_DELETE,
    Action.API_KEY_READ,
    Action.API_KEY_CREATE,
    Action.API_KEY_UPDATE,
    Action.API_KEY_LIMIT,
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
OWNERS_ALONE: Final = frozenset({Action.OWNERSHIP_TRANSFER})
"""What makes an owner: no other role can be given it."""

_OWNER = _ADMIN | OWNERS_ALONE

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
        Action.ROLE_READ,
        Action.ROLE_CREATE,
        Action.ROLE_UPDATE,
        Action.ROLE_DELETE,
        Action.OWNERSHIP_TRANSFER,
        Action.INVITATION_CREATE,
        Action.INVITATION_UPDATE,
        Action.INVITATION_DELETE,
        Action.API_KEY_READ,
        Action.API_KEY_CREATE,
        Action.API_KEY_UPDATE,
        Action.API_KEY_LIMIT,
        Action.API_KEY_ROTATE,
        Action.API_KEY_REVOKE,
    }
)
"""What gives access to others, or is somebody's own: no API key can be given it."""
