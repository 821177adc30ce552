"""Staff list, suspend and reactivate users. A new status reaches every process once it is committed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.staff import queries as staff
from admin.staff_lock import check_another_superuser, lock_staff, role_within_reach
from admin.users import queries
from admin.users.acts import Act
from admin.users.errors import OwnSuspension, UserMissing, UserUnfit
from admin.users.permissions import Action
from admin.users.queries import UserMembership
from admin.users.schemas import UserList
from insula.access import StaffRole
from insula.audit import record
from insula.core import clock
from insula.core.errors import NotFound
from insula.core.ids import UserId
from insula.db.models import ACTIVE, SUSPENDED, AuthSession, User
from insula.scope import StaffScope


@dataclass(frozen=True, slots=True)
class UserOverview:
    """A user and their memberships."""

    user: User
    staff_role: str | None
    memberships: Sequence[UserMembership]


async def listing(scope: StaffScope, params: UserList) -> tuple[Sequence[User], int]:
    """Return one page of all users and how many match in all."""
    return await queries.page(scope.unit.session, params)


async def overview(scope: StaffScope, user_id: UserId) -> UserOverview:
    """Return a user and their memberships. Raises NotFound."""
    session = scope.unit.session
    user = await queries.find(session, user_id)
    if user is None:
        raise NotFound
    role = await staff.role_of(session, user_id)
    return UserOverview(user, role, await queries.memberships(session, user_id))


async def verified_user(session: AsyncSession, user_id: UUID | None, email: str | None) -> User:
    """Return the active, verified user with this id or, without one, this address. Raises UserMissing and UserUnfit."""
    by_email = None if email is None else await queries.find_by_email(session, email)
    user = by_email if user_id is None else await queries.find(session, UserId(user_id))
    if user is None:
        raise UserMissing
    if user.status != ACTIVE or user.email_verified_at is None:
        raise UserUnfit
    return user


async def suspend(scope: StaffScope, user_id: UserId) -> User:
    """End the user's sessions and refuse new ones. Suspending again changes nothing.

    Raises NotFound, OwnSuspension, StaffProtected, LastSuperuser.
    """
    if user_id == scope.principal.user_id:
        raise OwnSuspension
    session, role = scope.unit.session, await lock_staff(scope, Action.SUSPEND)
    if await role_within_reach(scope, role, user_id) == StaffRole.SUPERUSER:
        await check_another_superuser(session, user_id)
    user = await _locked(session, user_id)
    _note(scope, Act.SUSPENDED, user, SUSPENDED)
    user.status = SUSPENDED
    live = (col(AuthSession.user_id) == user_id) & col(AuthSession.revoked_at).is_(None)
    await session.exec(update(AuthSession).where(live).values(revoked_at=clock.now()))
    await session.flush()
    return user


async def reactivate(scope: StaffScope, user_id: UserId) -> User:
    """Let the user log in again; revoked sessions stay revoked. Raises NotFound, StaffProtected."""
    role = await lock_staff(scope, Action.REACTIVATE)
    await role_within_reach(scope, role, user_id)
    user = await _locked(scope.unit.session, user_id)
    _note(scope, Act.REACTIVATED, user, ACTIVE)
    user.status = ACTIVE
    await scope.unit.session.flush()
    return user


def _note(scope: StaffScope, act: Act, user: User, status: str) -> None:
    before, after = {"status": user.status}, {"status": status}
    record(scope, act, object_type="user", object_id=user.id, before=before, after=after)


async def _locked(session: AsyncSession, user_id: UserId) -> User:
    user = await queries.find(session, user_id, for_update=True)
    if user is None:
        raise NotFound
    return user
