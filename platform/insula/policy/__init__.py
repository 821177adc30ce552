"""Which role may do what."""

from insula.policy.permissions import Permission, Published, Undescribed, published
from insula.policy.policy import Policy, UnknownRole, merged
from insula.policy.roles import Role, StaffRole, may_grant

__all__ = [
    "Permission",
    "Policy",
    "Published",
    "Role",
    "StaffRole",
    "Undescribed",
    "UnknownRole",
    "may_grant",
    "merged",
    "published",
]
