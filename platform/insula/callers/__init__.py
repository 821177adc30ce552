"""Kinds of callers: they decide who may sign in to an app, and find the principal of a request's credentials.

An app declares the kinds that it admits. The kernel has ``Members``, ``ApiKeys``, ``OAuthClients`` and ``Staff``. An
app's own kind is a subclass of ``RoleCallers`` or ``TokenCallers``. See docs/guides/callers.md.
"""

from insula.callers.api_keys import ApiKeys
from insula.callers.app_callers import Admitted, AppCallers, Kind, roles_of
from insula.callers.errors import StaffOnly, TenantRefused
from insula.callers.identity import (
    Allowance,
    Identity,
    MachineIdentity,
    MemberIdentity,
    TenantCaller,
    personal_allowance,
)
from insula.callers.members import Members
from insula.callers.oauth_clients import OAuthClients
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
    "Kind",
    "MachineIdentity",
    "MemberIdentity",
    "Members",
    "NamedTenants",
    "OAuthClients",
    "RoleCallers",
    "RoleHolder",
    "Roles",
    "Sources",
    "Staff",
    "StaffOnly",
    "TenantCaller",
    "TenantRefused",
    "TokenCallers",
    "personal_allowance",
    "plain_user",
    "roles_of",
    "user_of",
]
