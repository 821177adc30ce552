"""Which role may do what."""

from insula.policy.policy import Policy, UnknownRole, merged
from insula.policy.roles import Role, StaffRole, may_grant

__all__ = ["Policy", "Role", "StaffRole", "UnknownRole", "may_grant", "merged"]
