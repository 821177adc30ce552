"""Scopes, the first parameter of every service function: a principal, its permissions, and the transaction."""

from insula.scope.principals import (
    ApiKeyPrincipal,
    ClientPrincipal,
    Principal,
    RolePrincipal,
    StaffPrincipal,
    UserPrincipal,
)
from insula.scope.scopes import (
    Authority,
    FeatureNotIncluded,
    Member,
    PersonalScope,
    Reopen,
    RoleScope,
    Scope,
    StaffScope,
)

__all__ = [
    "ApiKeyPrincipal",
    "Authority",
    "ClientPrincipal",
    "FeatureNotIncluded",
    "Member",
    "PersonalScope",
    "Principal",
    "Reopen",
    "RolePrincipal",
    "RoleScope",
    "Scope",
    "StaffPrincipal",
    "StaffScope",
    "UserPrincipal",
]
