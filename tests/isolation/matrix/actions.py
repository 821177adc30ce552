"""What a route must ask for, told by its path and method alone: a guard that asks for less is found out.

Taken from the guard, it would say that whatever the guard asks for is right.
"""

from collections.abc import Mapping
from typing import Final

from tests.isolation.matrix.routes import LiveRoute

_VERBS: Final[Mapping[str, str]] = {
    "GET": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}
IRREGULAR: Final[Mapping[str, str]] = {
    "DELETE /api/v1/members/me": "member:leave",
    "POST /api/v1/tenant/ownership": "ownership:transfer",
    "GET /api/v1/permissions": "role:read",
    "POST /api/v1/invitations/{invitation_id}/resend": "invitation:update",
    "DELETE /api/v1/api-keys/{key_id}": "api_key:revoke",
    "POST /api/v1/api-keys/revoke": "api_key:revoke",
    "POST /api/v1/projects/{project_id}/items/bulk": "item:create",
    "GET /api/v1/audit-events": "audit:read",
    "GET /api/v1/audit-events.csv": "audit:read",
    "PUT /admin/v1/tenants/{tenant_id}/overrides/{entitlement_key}": "staff.override:write",
    "DELETE /admin/v1/tenants/{tenant_id}/overrides/{entitlement_key}": "staff.override:write",
    "DELETE /admin/v1/users/{user_id}/sessions/{login_id}": "staff.session:revoke",
    "POST /admin/v1/staff": "staff.staff:appoint",
    "DELETE /admin/v1/staff/{staff_id}": "staff.staff:dismiss",
    "GET /admin/v1/audit-events": "staff.audit:read",
    "GET /admin/v1/webhook-events": "staff.webhook:read",
    "POST /admin/v1/webhook-events/{event_id}/replay": "staff.webhook:replay",
}
"""The actions that are called otherwise than ``noun:verb``, or ``noun:act`` for ``/nouns/{id}/act``."""


def action_of(route: LiveRoute) -> str:
    """Return the action that a member's, an API key's or a staff member's role must have."""
    return IRREGULAR.get(route.name) or _regular(route)


def _regular(route: LiveRoute) -> str:
    parts = route.template.strip("/").split("/")[1:]  # after the version
    verb = _VERBS.get(route.method, route.method)
    if len(parts) > 2 and parts[-2].startswith("{") and not parts[-1].startswith("{") and route.method == "POST":
        acts = not parts[-1].endswith("s")  # /nouns/{id}/act, not /nouns/{id}/others
        verb, parts = (parts[-1], parts[:-2]) if acts else (verb, parts)
    noun = next(part for part in reversed(parts) if not part.startswith("{"))
    staff = "staff." if route.app == "admin" else ""
    return f"{staff}{noun.removesuffix('s').replace('-', '_')}:{verb}"
