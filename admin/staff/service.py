"""The staff and their roles. One active superuser always stays, and nobody changes their own role."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.exc import IntegrityError

from admin.staff import queries
from admin.staff.acts import Act
from admin.staff.errors import AlreadyStaff, OwnStaffRole
from admin.staff.permissions import Action
from admin.staff.queries import StaffMember
from admin.staff.schemas import StaffAppoint, StaffList
from admin.staff_lock import check_another_superuser, lock_staff
from admin.users import queries as users
from admin.users.errors import UserMissing, UserUnfit
from admin.users.service import verified_user
from insula.access import StaffRole
from insula.audit import Actor, record, record_in
from insula.core.errors import NotFound
from insula.core.ids import UserId
from insula.db.engine.failures import constraint_of
from insula.db.engine.unit import Unit
from insula.db.models import ACTIVE, Staff
from insula.scope import StaffScope

_OPERATOR: Final = Actor("staff", label="insula staff add")
"""The operator who runs the command on a machine of the installation, without signing in."""


async def listing(scope: StaffScope, params: StaffList) -> tuple[Sequence[StaffMember], int]:
    """Return one page of staff members and how many match in all."""
    return await queries.page(scope.unit.session, params)


async def appoint(scope: StaffScope, body: StaffAppoint) -> StaffMember:
    """Make an existing user a staff member. Raises UserMissing, UserUnfit and AlreadyStaff."""
    await lock_staff(scope, Action.APPOINT)
    session = scope.unit.session
    user = await verified_user(session, body.user_id, body.email)
    member = StaffMember(Staff(user_id=user.id, role=body.role), user)
    session.add(member.staff)
    try:
        await session.flush()
    except IntegrityError as violation:
        if constraint_of(violation) != "pk_staff":
            raise
        raise AlreadyStaff from violation
    record(scope, Act.APPOINTED, object_type="staff", object_id=user.id, after=_snapshot(member))
    return member


async def appoint_by_operator(unit: Unit, user_id: UserId, role: StaffRole) -> bool:
    """Make a user a staff member on behalf of the operator; their address need not be verified yet.

    Return whether they are new. Raises UserMissing, UserUnfit, and AlreadyStaff for a user with another role.
    """
    await queries.lock(unit.session)
    user = await users.find(unit.session, user_id)
    if user is None:
        raise UserMissing
    if user.status != ACTIVE:
        raise UserUnfit
    present = await queries.role_of(unit.session, user_id)
    if present is not None and present != role:
        raise AlreadyStaff(f"Their staff role is {present} already; a superuser can change it in the admin app")
    if present is None:
        member = StaffMember(Staff(user_id=user_id, role=role), user)
        unit.session.add(member.staff)
        await unit.session.flush()
        record_in(unit, _OPERATOR, Act.APPOINTED, object_type="staff", object_id=user_id, after=_snapshot(member))
    return present is None


async def change_role(scope: StaffScope, user_id: UserId, role: StaffRole) -> StaffMember:
    """Give a staff member another role. Raises NotFound, OwnStaffRole and LastSuperuser."""
    await lock_staff(scope, Action.UPDATE)
    member = await _locked(scope, user_id, stays=role == StaffRole.SUPERUSER)
    before = _snapshot(member)
    member.staff.role = role
    await scope.unit.session.flush()
    record(scope, Act.ROLE_CHANGED, object_type="staff", object_id=user_id, before=before, after=_snapshot(member))
    return member


async def dismiss(scope: StaffScope, user_id: UserId) -> None:
    """Take the staff role from a user. Raises NotFound, OwnStaffRole and LastSuperuser."""
    await lock_staff(scope, Action.DISMISS)
    member = await _locked(scope, user_id, stays=False)
    await scope.unit.session.delete(member.staff)
    await scope.unit.session.flush()
    record(scope, Act.DISMISSED, object_type="staff", object_id=user_id, before=_snapshot(member))


async def _locked(scope: StaffScope, user_id: UserId, *, stays: bool) -> StaffMember:
    """Return the staff member, locked. If a superuser loses that role, lock all superusers first."""
    if user_id == scope.principal.user_id:
        raise OwnStaffRole
    session = scope.unit.session
    if not stays and await queries.role_of(session, user_id) == StaffRole.SUPERUSER:
        await check_another_superuser(session, user_id)
    member = await queries.locked(session, user_id)
    if member is None:
        raise NotFound
    return member


def _snapshot(member: StaffMember) -> dict[str, object]:
    return {"email": member.user.email, "role": member.staff.role}
