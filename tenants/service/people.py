"""What members and invitations share: one lock for all changes of who belongs, ranks, seats."""

from sqlmodel.ext.asyncio.session import AsyncSession

from insula.db.models import Membership
from insula.errors import Forbidden
from insula.policy import Role, may_grant
from insula.scope import Scope
from tenants.actions import GRANTS, Action
from tenants.errors import Outranked, SeatsExhausted
from tenants.queries import members, tenants
from tenants.queries.seats import seats


async def acting(scope: Scope, action: Action) -> Membership:
    """Lock the tenant's people until this transaction ends, and return the caller's membership.

    The tenant's row is the lock. What let the caller in was true a moment ago, in memory; who
    changes others at the same time as others change them is judged once more, behind the lock.
    Raises Forbidden for who is no longer a member or may no longer do ``action``.
    """
    await tenants.get(scope.unit.session, scope.tenant.id, for_update=True)
    caller = await members.find_user(scope.unit.session, scope.principal.person(), for_update=True)
    if caller is None or action not in GRANTS[Role(caller.role)]:
        raise Forbidden
    return caller


def check_rank(caller: Membership, *roles: str) -> None:
    """Raise Outranked unless each of ``roles``, held or to be held, is at most the caller's own."""
    if not all(may_grant(Role(caller.role), Role(role)) for role in roles):
        raise Outranked


async def check_seat_to_offer(session: AsyncSession) -> None:
    """Raise SeatsExhausted unless a seat is free beside the members and the pending invitations."""
    now = await seats(session)
    _check(now.members + now.pending, now.granted)


async def check_seat_to_take(session: AsyncSession) -> None:
    """Raise SeatsExhausted unless a seat is free beside the members: the plan may have shrunk since the offer."""
    now = await seats(session)
    _check(now.members, now.granted)


def _check(taken: int, granted: int) -> None:
    if taken + 1 > granted:
        raise SeatsExhausted(f"The plan grants {granted} seats; {taken} are taken.")
