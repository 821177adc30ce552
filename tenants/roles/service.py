"""Roles that tenants define. Nobody can create, change or delete a role with permissions that they lack.

Every change takes the lock on the tenant's members, so that no member gets the role at the same time.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from insula.audit import record, snapshot
from insula.core.errors import AppError, InvalidRequest, NotFound
from insula.core.preconditions import Precondition
from insula.db.models import CustomRole
from insula.db.query.violations import violations_as
from insula.scope import Scope
from tenants.people_lock import locked_caller
from tenants.roles import queries
from tenants.roles.acts import Act
from tenants.roles.errors import RoleInUse, RoleKeyTaken, RolesUsedUp
from tenants.roles.permissions import Action
from tenants.roles.schemas import RoleCreate, RoleUpdate

MOST: Final = 50  # custom roles of a tenant: they are listed on one page

_CREATING: Final[Mapping[str, type[AppError]]] = {"uq_custom_role_tenant_id_key": RoleKeyTaken}
_DELETING: Final[Mapping[str, type[AppError]]] = {
    "fk_membership_tenant_id_custom_role": RoleInUse,
    "fk_invitation_tenant_id_custom_role": RoleInUse,
}


async def every(scope: Scope) -> Sequence[CustomRole]:
    """Return the tenant's custom roles."""
    return await queries.every(scope.unit.session)


async def get(scope: Scope, role_id: UUID, *, for_update: bool = False) -> CustomRole:
    """Return the role, or raise NotFound."""
    role = await queries.find(scope.unit.session, role_id, for_update=for_update)
    if role is None:
        raise NotFound
    return role


async def create(scope: Scope, body: RoleCreate) -> CustomRole:
    """Define a role with at most the caller's permissions."""
    permissions = _checked(scope, body.permissions)
    caller = await locked_caller(scope, Action.CREATE)
    caller.check_named(frozenset(permissions))
    session = scope.unit.session
    if await queries.count(session) >= MOST:
        raise RolesUsedUp(f"A tenant can have {MOST} custom roles.")
    role = CustomRole(tenant_id=scope.tenant.id, **{**body.model_dump(), "permissions": permissions})
    session.add(role)
    with violations_as(scope.unit, _CREATING):
        await session.flush()
    record(scope, Act.CREATED, object_type="role", object_id=role.id, after=snapshot(role))
    return role


async def update(scope: Scope, role_id: UUID, body: RoleUpdate, precondition: Precondition) -> CustomRole:
    """Change the fields in ``body``. The role must have at most the caller's permissions, before and after."""
    changes = body.changes()
    if "permissions" in changes:
        changes["permissions"] = _checked(scope, changes["permissions"])
    caller = await locked_caller(scope, Action.UPDATE)
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
    """Delete a role that nobody has and that has at most the caller's permissions."""
    caller = await locked_caller(scope, Action.DELETE)
    role = await get(scope, role_id, for_update=True)
    precondition.check(role.version)
    caller.check_reach(scope.policy.of_custom_role(role.permissions))
    session = scope.unit.session
    held = await queries.holders(session, role.key)
    if held.members or held.invitations:
        raise RoleInUse(f"Members who have it: {held.members}; open invitations to it: {held.invitations}.")
    await session.delete(role)
    with violations_as(scope.unit, _DELETING):  # if a change bypassed the lock, the foreign keys refuse
        await session.flush()
    record(scope, Act.DELETED, object_type="role", object_id=role_id, before=snapshot(role))


def _checked(scope: Scope, permissions: Collection[str]) -> Sequence[str]:
    """Return ``permissions`` and those that every role has, sorted. Raises InvalidRequest for unpublished ones."""
    if unknown := sorted(set(permissions) - scope.policy.published.keys()):
        raise InvalidRequest(fields={"permissions": f"no custom role can have: {', '.join(unknown)}"})
    return sorted(scope.policy.in_every_role.union(permissions))
