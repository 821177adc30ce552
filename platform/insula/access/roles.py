"""The built-in roles: of members in their tenant, and of staff over the installation."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a membership makes of a user, in one tenant. Tenants may define more."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"
    BILLING_MANAGER = "billing_manager"


EVERYBODY: Final = frozenset(Role)
VIEWERS: Final = frozenset({Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER})
"""Viewers and all who may do more with the tenant's work."""

MEMBERS: Final = frozenset({Role.MEMBER, Role.ADMIN, Role.OWNER})
ADMINS: Final = frozenset({Role.ADMIN, Role.OWNER})
OWNERS: Final = frozenset({Role.OWNER})
BILLING_MANAGERS: Final = frozenset({Role.BILLING_MANAGER, Role.ADMIN, Role.OWNER})


class StaffRole(StrEnum):
    """What staff may do in the admin app, over all tenants."""

    SUPERUSER = "superuser"
    SUPPORT = "support"
    AUDITOR = "auditor"


ALL_STAFF: Final = frozenset(StaffRole)
SUPPORT_STAFF: Final = frozenset({StaffRole.SUPPORT, StaffRole.SUPERUSER})
"""For what stops harm or finishes what is stuck. What gives anybody more is for superusers."""

SUPERUSERS: Final = frozenset({StaffRole.SUPERUSER})


def may_grant(own: AbstractSet[str], role: AbstractSet[str]) -> bool:
    """Tell whether a role with the permissions ``role`` is at most one with ``own``.

    This bounds *which* role; whether the granter may invite or promote at all is the policy's to say.
    """
    return role <= own
