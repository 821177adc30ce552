"""The built-in roles of members in a tenant, and of staff in the installation."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A built-in role of members in one tenant. A tenant may also define custom roles."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"
    BILLING_MANAGER = "billing_manager"


EVERYBODY: Final = frozenset(Role)
VIEWERS: Final = frozenset({Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER})
"""Viewers, and the roles that may do more with the tenant's data."""

MEMBERS: Final = frozenset({Role.MEMBER, Role.ADMIN, Role.OWNER})
ADMINS: Final = frozenset({Role.ADMIN, Role.OWNER})
OWNERS: Final = frozenset({Role.OWNER})
BILLING_MANAGERS: Final = frozenset({Role.BILLING_MANAGER, Role.ADMIN, Role.OWNER})


class StaffRole(StrEnum):
    """A role of staff in the admin app, over all tenants."""

    SUPERUSER = "superuser"
    SUPPORT = "support"
    AUDITOR = "auditor"


ALL_STAFF: Final = frozenset(StaffRole)
SUPPORT_STAFF: Final = frozenset({StaffRole.SUPPORT, StaffRole.SUPERUSER})
"""For actions that stop harm or finish stuck work. Only superusers may grant anything."""

SUPERUSERS: Final = frozenset({StaffRole.SUPERUSER})


def may_grant(own: AbstractSet[str], role: AbstractSet[str]) -> bool:
    """Return whether the permissions of ``role`` are a subset of the granter's ``own``.

    This bounds *which* role may be granted; the policy decides whether the granter may invite or promote at all.
    """
    return role <= own
