"""What this app's resources permit, what tenants can make roles of, here and in billing, and what each role may."""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

import billing.api
from insula.policy import Permission, Published, Role, grants_of, merged, published
from tenants.api_keys.permissions import Action as ApiKeyAction
from tenants.audit_events.permissions import Action as AuditAction
from tenants.domains.permissions import Action as DomainAction
from tenants.invitations.permissions import Action as InvitationAction
from tenants.items.permissions import Action as ItemAction
from tenants.me.permissions import Action as MeAction
from tenants.members.permissions import Action as MemberAction
from tenants.projects.permissions import Action as ProjectAction
from tenants.roles.permissions import Action as RoleAction
from tenants.tenants.permissions import Action as TenantAction
from tenants.usage.permissions import Action as UsageAction

Permissions = frozenset[str]

PERMISSIONS: Final[tuple[Permission, ...]] = (
    *MeAction,
    *TenantAction,
    *MemberAction,
    *RoleAction,
    *InvitationAction,
    *ApiKeyAction,
    *ProjectAction,
    *ItemAction,
    *DomainAction,
    *UsageAction,
    *AuditAction,
)
GRANTS: Final = grants_of(PERMISSIONS)

PUBLISHED: Final[Mapping[str, Published]] = MappingProxyType(
    {
        permission.code: permission
        for permission in chain(published("tenants", PERMISSIONS), published("billing", billing.api.PERMISSIONS))
    }
)
"""The permissions that a role can be given, by code."""

ASSIGNABLE: Final[Permissions] = frozenset(PUBLISHED)

IN_EVERY_ROLE: Final[Permissions] = frozenset(code for code, known in PUBLISHED.items() if known.in_every_role)

BUILT_IN: Final[Mapping[str, Permissions]] = MappingProxyType(
    {role: granted for role, granted in merged((GRANTS, billing.api.GRANTS)).items() if role in set(Role)}
)
"""What the built-in roles may, by their names."""


def own(permissions: Iterable[str]) -> Permissions:
    """Return what a role of the tenant's own with these stored ``permissions`` may: none that is not published."""
    return ASSIGNABLE.intersection(permissions)
