"""Kinds of callers: which users may sign in to an app, and which principal a request's credentials stand for.

An app declares the kinds that it lets in. ``Members``, ``ApiKeys`` and ``Staff`` are the kernel's; an app's own
kind is a subclass of ``RoleCallers``, or of ``TokenCallers``. See docs/guides/callers.md.
"""

from insula.callers.api_keys import ApiKeys
from insula.callers.app_callers import Admitted, AppCallers, Kind, roles_of
from insula.callers.errors import StaffOnly, TenantRefused
from insula.callers.identity import Allowance, Identity, KeyIdentity, MemberIdentity, TenantCaller, of_person
from insula.callers.members import Members
from insula.callers.role_callers import RoleCallers, RoleHolder
from insula.callers.staff import Staff
from insula.callers.token_callers import Errors, NamedTenants, Roles, Sources, TokenCallers, plain_user, user_of

__all__ = [
    "Admitted",
    "Allowance",
    "ApiKeys",
    "AppCallers",
    "Errors",
    "Identity",
    "KeyIdentity",
    "Kind",
    "MemberIdentity",
    "Members",
    "NamedTenants",
    "RoleCallers",
    "RoleHolder",
    "Roles",
    "Sources",
    "Staff",
    "StaffOnly",
    "TenantCaller",
    "TenantRefused",
    "TokenCallers",
    "of_person",
    "plain_user",
    "roles_of",
    "user_of",
]
