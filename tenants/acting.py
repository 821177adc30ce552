"""The caller behind the lock for all changes of who may what in a tenant, and what they may grant."""

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
class Acting:
    """The caller behind the lock: their membership, and what its role may now, with their access token."""

    member: Membership
    permissions: Permissions

    def check_reach(self, permissions: Permissions) -> None:
        """Raise Outranked unless a role with ``permissions`` is at most the caller's own."""
        if not may_grant(self.permissions, permissions):
            raise Outranked

    def check_named(self, permissions: Permissions) -> None:
        """Do the same for permissions that the caller named, and say which are too many."""
        if beyond := sorted(permissions - self.permissions):
            raise Outranked(f"Your role lacks: {', '.join(beyond)}")


async def acting(scope: Scope, action: Permission) -> Acting:
    """Lock the tenant's people until this transaction ends, and return the caller.

    The tenant's row is the lock. What let the caller in was true a moment ago, in memory; who
    changes others at the same time as others change them is judged once more, behind the lock,
    where roles too are as they stay.
    Raises Forbidden for who is no longer a member or may no longer do ``action``.
    """
    session = scope.unit.session
    await tenants.get(session, scope.tenant.id, for_update=True)
    member = await members.find_user(session, scope.principal.person(), for_update=True)
    permissions = await roles.permissions(session, scope.policy, member.role) if member is not None else None
    if member is None or permissions is None or action not in permissions:
        raise Forbidden
    # A token that is limited to some actions gives others no more than these, whatever its user may.
    return Acting(member, permissions if scope.limited_to is None else permissions & scope.limited_to)


async def check_rank(scope: Scope, caller: Acting, *names: str) -> None:
    """Raise Outranked unless each of the roles, held or to be held, is at most the caller's own.

    Raises RoleUnknown for one that is neither built in nor the tenant's.
    """
    for name in names:
        permissions = await roles.permissions(scope.unit.session, scope.policy, name)
        if permissions is None:
            raise RoleUnknown
        caller.check_reach(permissions)
