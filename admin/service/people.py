"""The user whom a body names, and who may act on whom: judged behind one lock for all changes to people by staff."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from admin.actions import GRANTS, Action
from admin.errors import LastSuperuser, StaffProtected, UserMissing, UserUnfit
from admin.queries import staff, users
from insula.db.models import ACTIVE, User
from insula.errors import Forbidden
from insula.ids import UserId
from insula.policy import StaffRole
from insula.scope import StaffScope


async def chosen(session: AsyncSession, user_id: UUID | None, email: str | None) -> User:
    """Return the active, verified user of this id or else of this address. Raises UserMissing and UserUnfit."""
    by_email = None if email is None else await users.find_by_email(session, email)
    user = by_email if user_id is None else await users.find(session, UserId(user_id))
    if user is None:
        raise UserMissing
    if user.status != ACTIVE or user.email_verified_at is None:
        raise UserUnfit
    return user


async def acting(scope: StaffScope, action: Action) -> StaffRole:
    """Lock the staff until this transaction ends, and return the caller's role as it is now.

    The request was admitted by cached rights, which may have changed since. Behind the lock nobody can be
    dismissed, demoted or suspended at the same time. Raises Forbidden for who is no longer staff or may no longer do
    ``action``.
    """
    session = scope.unit.session
    await staff.lock(session)
    # A statement of its own: the snapshot of the one that waited for the lock is older than the lock.
    role = await staff.active_role_of(session, scope.principal.person())
    if role is None or action not in GRANTS[role]:
        raise Forbidden
    return StaffRole(role)


async def role_within_reach(scope: StaffScope, own: StaffRole, user_id: UserId) -> str | None:
    """Return the user's staff role, which for any caller but a superuser must be none. Raises StaffProtected."""
    role = await staff.role_of(scope.unit.session, user_id)
    if role is not None and own != StaffRole.SUPERUSER:
        raise StaffProtected
    return role


async def one_superuser_of_many(session: AsyncSession, user_id: UserId) -> None:
    """Lock the superusers and see that another active one is among them. Raises LastSuperuser."""
    superusers = await staff.locked_superusers(session)
    if not any(other.status == ACTIVE and other.id != user_id for other in superusers):
        raise LastSuperuser
