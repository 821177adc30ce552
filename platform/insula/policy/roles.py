"""The built-in roles: of members in their tenant, and of staff over the installation."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a membership makes of a user, in one tenant."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"
    BILLING_MANAGER = "billing_manager"


class StaffRole(StrEnum):
    """What staff may do in the admin app, over all tenants."""

    SUPERUSER = "superuser"
    SUPPORT = "support"
    AUDITOR = "auditor"


_GRANTABLE: Final[Mapping[Role, frozenset[Role]]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Role),
        Role.ADMIN: frozenset({Role.ADMIN, Role.MEMBER, Role.VIEWER, Role.BILLING_MANAGER}),
        Role.MEMBER: frozenset({Role.MEMBER, Role.VIEWER}),
        Role.VIEWER: frozenset({Role.VIEWER}),
        Role.BILLING_MANAGER: frozenset(),
    }
)


def may_grant(granter: Role, role: Role) -> bool:
    """Tell whether ``role`` is at most the granter's own.

    This bounds *which* role; whether the granter may invite or promote at all is the policy's to say.
    """
    return role in _GRANTABLE[granter]
