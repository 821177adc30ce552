"""The tenant's members: their roles, removal and leaving. The last owner cannot be removed or demoted."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from insula.access import Role
from insula.audit import record
from insula.core.errors import AppError, NotFound
from insula.core.paging import Slice
from insula.core.preconditions import Precondition
from insula.db.models import ApiKey, Membership
from insula.db.query.violations import violations_as
from insula.scope import Scope
from tenants.api_keys import queries as api_keys
from tenants.api_keys.permissions import Action as ApiKeyAction
from tenants.emails import Emails
from tenants.members import queries
from tenants.members.acts import Act
from tenants.members.errors import AlreadyOwner, LastOwner
from tenants.members.permissions import Action
from tenants.members.schemas import MemberList, MemberUpdate, OwnershipTransfer
from tenants.people_lock import check_rank, locked_caller
from tenants.roles.errors import RoleUnknown

_ASSIGNING: Final[Mapping[str, type[AppError]]] = {"fk_membership_tenant_id_custom_role": RoleUnknown}


async def page(scope: Scope, params: MemberList) -> Slice[Membership]:
    """Return one page of the tenant's members."""
    return await queries.page(scope.unit.session, params)


async def get(scope: Scope, member_id: UUID, *, for_update: bool = False) -> Membership:
    """Return the member, or raise NotFound."""
    member = await queries.find(scope.unit.session, member_id, for_update=for_update)
    if member is None:
        raise NotFound
    return member


async def change_role(scope: Scope, member_id: UUID, body: MemberUpdate, precondition: Precondition) -> Membership:
    """Give the member another role. Neither the old nor the new one may be above the caller's."""
    caller = await locked_caller(scope, Action.UPDATE)
    member = await get(scope, member_id, for_update=True)
    precondition.check(member.version)
    await check_rank(scope, caller, member.role, body.role)
    if body.role != Role.OWNER:
        await _keep_an_owner(scope, member)
    before = _snapshot(member)
    member.role = body.role
    with violations_as(scope.unit, _ASSIGNING):
        await scope.unit.session.flush()
    _note(scope, Act.ROLE_CHANGED, member, before, _snapshot(member))
    return member


async def remove(scope: Scope, member_id: UUID, precondition: Precondition) -> Sequence[ApiKey]:
    """Remove the member, who does not outrank the caller.

    Return the live API keys that they made, which keep working, if the caller may see keys.
    """
    caller = await locked_caller(scope, Action.DELETE)
    member = await get(scope, member_id, for_update=True)
    precondition.check(member.version)
    await check_rank(scope, caller, member.role)
    await _delete(scope, member)
    _note(scope, Act.REMOVED, member, _snapshot(member), None)
    if ApiKeyAction.READ not in caller.permissions:
        return ()
    return await api_keys.live_of(scope.unit.session, member.user_id)


async def leave(scope: Scope) -> None:
    """End the caller's own membership."""
    member = (await locked_caller(scope, Action.LEAVE)).member
    await _delete(scope, member)
    _note(scope, Act.LEFT, member, _snapshot(member), None)


async def transfer(scope: Scope, body: OwnershipTransfer, emails: Emails) -> Membership:
    """Make a member the owner in the caller's place; the caller becomes an admin."""
    caller = (await locked_caller(scope, Action.TRANSFER_OWNERSHIP)).member
    new_owner = await get(scope, body.member_id, for_update=True)
    if new_owner.role == Role.OWNER:
        raise AlreadyOwner
    new_owner.role, caller.role = Role.OWNER, Role.ADMIN
    await scope.unit.session.flush()
    await emails.ownership(scope, new_owner, caller)
    _note(scope, Act.OWNERSHIP_TRANSFERRED, new_owner, {"owner": caller.email}, {"owner": new_owner.email})
    return new_owner


async def _delete(scope: Scope, member: Membership) -> None:
    await _keep_an_owner(scope, member)
    await scope.unit.session.delete(member)
    await scope.unit.session.flush()


async def _keep_an_owner(scope: Scope, member: Membership) -> None:
    """Raise LastOwner if ``member`` is the only owner. The lock on the members keeps the count from changing."""
    if member.role == Role.OWNER and await queries.count_owners(scope.unit.session) == 1:
        raise LastOwner


def _snapshot(member: Membership) -> dict[str, object]:
    return {"role": member.role, "email": member.email, "user_id": member.user_id}


def _note(
    scope: Scope, act: Act, member: Membership, before: Mapping[str, object], after: Mapping[str, object] | None
) -> None:
    record(scope, act, object_type="member", object_id=member.id, before=before, after=after)
