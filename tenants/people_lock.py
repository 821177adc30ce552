"""The lock for all changes of a tenant's members and roles, and the caller, read while the lock is held."""

from dataclasses import dataclass

from insula.access import Permission, Permissions, may_grant
from insula.core.errors import Forbidden
from insula.db.models import Membership
from insula.scope import Scope
from tenants.members import queries as members
from tenants.roles import queries as roles
from tenants.roles.errors import Outranked, RoleUnknown
from tenants.tenants import queries as tenants


@dataclass(frozen=True, slots=True)
class LockedCaller:
    """The caller, read while the lock is held: their membership, and the permissions of its role and their token."""

    member: Membership
    permissions: Permissions

    def check_reach(self, permissions: Permissions) -> None:
        """Raise Outranked unless the caller has all of ``permissions``."""
        if not may_grant(self.permissions, permissions):
            raise Outranked

    def check_named(self, permissions: Permissions) -> None:
        """Raise Outranked, with the missing ones, unless the caller has all the permissions that they named."""
        if beyond := sorted(permissions - self.permissions):
            raise Outranked(f"Your role lacks: {', '.join(beyond)}")


async def locked_caller(scope: Scope, action: Permission) -> LockedCaller:
    """Lock the tenant's members and roles until this transaction ends, and return the caller.

    The tenant's row is the lock. The guard admitted the caller from a cache; another request may have changed their
    role since. So their permissions are read again under the lock, while no role can change. Raises Forbidden if the
    caller is no longer a member or may no longer do ``action``.
    """
    session = scope.unit.session
    await tenants.get(session, scope.tenant.id, for_update=True)
    member = await members.find_user(session, scope.principal.person(), for_update=True)
    permissions = await roles.permissions(session, scope.policy, member.role) if member is not None else None
    if member is None or permissions is None or action not in permissions:
        raise Forbidden
    # A token that is limited to some actions can grant no others, whatever its user may do.
    return LockedCaller(member, permissions if scope.limited_to is None else permissions & scope.limited_to)


async def check_rank(scope: Scope, caller: LockedCaller, *names: str) -> None:
    """Raise Outranked unless the caller has all permissions of each named role: a member's current or new one.

    Raises RoleUnknown for a role that is neither built in nor the tenant's.
    """
    for name in names:
        permissions = await roles.permissions(scope.unit.session, scope.policy, name)
        if permissions is None:
            raise RoleUnknown
        caller.check_reach(permissions)
