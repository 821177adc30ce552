"""Seats: how many the plan grants and how many are taken."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.db.models import Entitlement, Membership
from tenants.models import Invitation
from tenants.queries.invitations import pending

KEY: Final = "seats"


@dataclass(frozen=True, slots=True)
class Seats:
    """The plan's seats, the members and the pending invitations."""

    granted: int
    members: int
    pending: int


async def seats(session: AsyncSession) -> Seats:
    """Return the tenant's seats, in one statement; a plan that names none grants none."""
    granted = select(func.coalesce(func.max(Entitlement.value), 0)).where(Entitlement.key == KEY)
    members = select(func.count(col(Membership.id)))
    invited = select(func.count(col(Invitation.id))).where(pending())
    statement = select(granted.scalar_subquery(), members.scalar_subquery(), invited.scalar_subquery())
    return Seats(*(await session.exec(statement)).one())
