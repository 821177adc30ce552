"""Roles that tenants define. Nobody makes, changes or deletes one that may what they may not.

All of it happens behind the lock of the tenant's people: who is given a role meanwhile waits.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from insula.audit import record, snapshot
from insula.core.errors import AppError, InvalidRequest, NotFound
from insula.core.preconditions import Precondition
from insula.db.models import CustomRole
from insula.db.query.violations import answering
from insula.scope import Scope
from tenants.acting import acting
from tenants.roles import queries
from tenants.roles.acts import Act
from tenants.roles.errors import RoleInUse, RoleKeyTaken, RolesUsedUp
from tenants.roles.permissions import Action
from tenants.roles.schemas import RoleCreate, RoleUpdate

MOST: Final = 50  # roles of its own that a tenant may have: they are listed on one page

_CREATING: Final[Mapping[str, type[AppError]]] = {"uq_custom_role_tenant_id_key": RoleKeyTaken}
_DELETING: Final[Mapping[str, type[AppError]]] = {
    "fk_membership_tenant_id_custom_role": RoleInUse,
    "fk_invitation_tenant_id_custom_role": RoleInUse,
}


async def every(scope: Scope) -> Sequence[CustomRole]:
    """Return the tenant's own roles."""
    return await queries.every(scope.unit.session)


async def get(scope: Scope, role_id: UUID, *, for_update: bool = False) -> CustomRole:
    """Return the role, or raise NotFound."""
    role = await queries.find(scope.unit.session, role_id, for_update=for_update)
    if role is None:
        raise NotFound
    return role


async def create(scope: Scope, body: RoleCreate) -> CustomRole:
    """Define a role that may at most what the caller may."""
    permissions = _named(scope, body.permissions)
    caller = await acting(scope, Action.CREATE)
    caller.check_named(frozenset(permissions))
    session = scope.unit.session
    if await queries.count(session) >= MOST:
        raise RolesUsedUp(f"A tenant can have {MOST} roles of its own.")
    role = CustomRole(tenant_id=scope.tenant.id, **{**body.model_dump(), "permissions": permissions})
    session.add(role)
    with answering(_CREATING):
        await session.flush()
    record(scope, Act.CREATED, object_type="role", object_id=role.id, after=snapshot(role))
    return role


async def update(scope: Scope, role_id: UUID, body: RoleUpdate, precondition: Precondition) -> CustomRole:
    """Change what ``body`` names, of a role that may at most what the caller may, before and after."""
    changes = body.changes()
    if "permissions" in changes:
        changes["permissions"] = _named(scope, changes["permissions"])
    caller = await acting(scope, Action.UPDATE)
    role = await get(scope, role_id, for_update=True)
    precondition.check(role.version)
    caller.check_reach(scope.policy.of_custom_role(role.permissions))
    before = snapshot(role)
    role.sqlmodel_update(changes)
    caller.check_named(scope.policy.of_custom_role(role.permissions))
    await scope.unit.session.flush()
    record(scope, Act.UPDATED, object_type="role", object_id=role.id, before=before, after=snapshot(role))
    return role


async def delete(scope: Scope, role_id: UUID, precondition: Precondition) -> None:
    """Delete a role that nobody has, and that may at most what the caller may."""
    caller = await acting(scope, Action.DELETE)
    role = await get(scope, role_id, for_update=True)
    precondition.check(role.version)
    caller.check_reach(scope.policy.of_custom_role(role.permissions))
    session = scope.unit.session
    held = await queries.holders(session, role.key)
    if held.members or held.invitations:
        raise RoleInUse(f"Members who have it: {held.members}; open invitations to it: {held.invitations}.")
    await session.delete(role)
    with answering(_DELETING):  # whoever came by another door than this app's, the keys hold
        await session.flush()
    record(scope, Act.DELETED, object_type="role", object_id=role_id, before=snapshot(role))


def _named(scope: Scope, permissions: Collection[str]) -> Sequence[str]:
    """Return the permissions that were named and those of every role, in order. Raises InvalidRequest for others."""
    if unknown := sorted(set(permissions) - scope.policy.published.keys()):
        raise InvalidRequest(fields={"permissions": f"no role can be given: {', '.join(unknown)}"})
    return sorted(scope.policy.in_every_role.union(permissions))
