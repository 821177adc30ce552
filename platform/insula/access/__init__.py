"""Roles and their permissions."""

from insula.access.permissions import (
    DeclaredTwice,
    GrantedTo,
    Permission,
    Permissions,
    Published,
    Undescribed,
    grants_of,
    published,
)
from insula.access.policy import Policy, UnknownRole
from insula.access.roles import (
    ADMINS,
    ALL_STAFF,
    BILLING_MANAGERS,
    EVERYBODY,
    MEMBERS,
    OWNERS,
    SUPERUSERS,
    SUPPORT_STAFF,
    VIEWERS,
    Role,
    StaffRole,
    may_grant,
)

__all__ = [
    "ADMINS",
    "ALL_STAFF",
    "BILLING_MANAGERS",
    "EVERYBODY",
    "MEMBERS",
    "OWNERS",
    "SUPERUSERS",
    "SUPPORT_STAFF",
    "VIEWERS",
    "DeclaredTwice",
    "GrantedTo",
    "Permission",
    "Permissions",
    "Policy",
    "Published",
    "Role",
    "StaffRole",
    "Undescribed",
    "UnknownRole",
    "grants_of",
    "may_grant",
    "published",
]
