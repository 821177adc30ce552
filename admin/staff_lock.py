"""One lock for all changes that staff make to users and staff, and the checks under it."""

from sqlmodel.ext.asyncio.session import AsyncSession

from admin.staff import queries as staff
from admin.staff.errors import LastSuperuser, StaffProtected
from insula.access import Permission, StaffRole
from insula.core.errors import Forbidden
from insula.core.ids import UserId
from insula.db.models import ACTIVE
from insula.scope import StaffScope


async def lock_staff(scope: StaffScope, action: Permission) -> StaffRole:
    """Lock the staff until this transaction ends, and return the caller's role as it is now.

    The guard admitted the caller from a cache; another request may have changed their role since. While the lock is
    held, nobody can be dismissed, demoted or suspended. Raises Forbidden if the caller is no longer staff or may no
    longer do ``action``.
    """
    session = scope.unit.session
    await staff.lock(session)
    # A separate statement: the snapshot of the statement that waited for the lock is older than the lock.
    role = await staff.active_role_of(session, scope.principal.user_id)
    if role is None or not scope.policy.allows(role, action):
        raise Forbidden
    return StaffRole(role)


async def role_within_reach(scope: StaffScope, own: StaffRole, user_id: UserId) -> str | None:
    """Return the user's staff role, if any. Raises StaffProtected if they have one and the caller is no superuser."""
    role = await staff.role_of(scope.unit.session, user_id)
    if role is not None and own != StaffRole.SUPERUSER:
        raise StaffProtected
    return role


async def check_another_superuser(session: AsyncSession, user_id: UserId) -> None:
    """Lock the superusers and check that another active one exists. Raises LastSuperuser."""
    superusers = await staff.locked_superusers(session)
    if not any(other.status == ACTIVE and other.id != user_id for other in superusers):
        raise LastSuperuser
