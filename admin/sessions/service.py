"""Staff list and revoke users' logins. Every process refuses a login once its revocation is committed."""

from collections.abc import Sequence
from uuid import UUID

from admin.sessions import queries
from admin.sessions.acts import Act
from admin.sessions.permissions import Action
from admin.sessions.schemas import SessionList
from admin.staff_lock import lock_staff, role_within_reach
from admin.users import queries as users
from insula.audit import record
from insula.core import clock
from insula.core.errors import NotFound
from insula.core.ids import UserId
from insula.db.models import AuthSession
from insula.scope import StaffScope


async def listing(scope: StaffScope, user_id: UserId, params: SessionList) -> tuple[Sequence[AuthSession], int]:
    """Return one page of the user's logins and how many match in all. Raises NotFound."""
    if await users.find(scope.unit.session, user_id) is None:
        raise NotFound
    return await queries.sessions(scope.unit.session, user_id, params, clock.now())


async def revoke(scope: StaffScope, user_id: UserId, session_id: UUID) -> None:
    """End the login, with the sessions that OAuth clients got by it. Revoking it again changes nothing.

    Raises NotFound and StaffProtected.
    """
    role = await lock_staff(scope, Action.REVOKE)
    if user_id != scope.principal.user_id:
        await role_within_reach(scope, role, user_id)
    login = await queries.locked_session(scope.unit.session, user_id, session_id)
    if login is None:
        raise NotFound
    if login.revoked_at is not None:
        return
    login.revoked_at = clock.now()
    await scope.unit.session.flush()
    await queries.end_children(scope.unit.session, session_id, login.revoked_at)
    record(scope, Act.REVOKED, object_type="session", object_id=session_id, after={"user_id": user_id})
