"""Queries for the tenant's invitations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access.entitlements import Quota
from insula.core import clock
from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.models import Entitlement, Membership
from insula.db.query.pages import Columns, fetch_keyset
from tenants.invitations.models import Invitation, InvitationStatus
from tenants.invitations.schemas import InvitationList

_SORTABLE: Final[Columns] = {"created_at": col(Invitation.created_at), "email": col(Invitation.email)}


@dataclass(frozen=True, slots=True)
class Seats:
    """The number of seats that the tenant has, and the numbers of its members and pending invitations."""

    granted: int
    members: int
    pending: int


def pending() -> ColumnElement[bool]:
    """Return the SQL condition that an invitation can still be accepted."""
    return _unsettled() & (col(Invitation.expires_at) > clock.now())


def _taken() -> ColumnElement[int]:
    members = select(func.count(col(Membership.id))).scalar_subquery()
    return members + select(func.count(col(Invitation.id))).where(pending()).scalar_subquery()


SEATS: Final = Quota(key="seats", unit="members and pending invitations", used=_taken)


async def find(session: AsyncSession, invitation_id: UUID, *, for_update: bool = False) -> Invitation | None:
    """Return the invitation; ``for_update`` reads it again and locks the row until this transaction ends."""
    statement = select(Invitation).where(Invitation.id == invitation_id)
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()


async def find_open(session: AsyncSession, email: str) -> Invitation | None:
    """Return the invitation of this address that is neither accepted nor revoked; it may have expired."""
    statement = select(Invitation).where(Invitation.email == email, _unsettled())
    return (await session.exec(statement.with_for_update(key_share=True))).one_or_none()


async def page(session: AsyncSession, params: InvitationList) -> Slice[Invitation]:
    """Return one page of invitations; ``search`` looks into the address."""
    statement = select(Invitation)
    if params.status is not None:
        statement = statement.where(_conditions()[params.status])
    if params.search is not None:
        statement = statement.where(col(Invitation.email).regexp_match(containing(params.search)))
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(Invitation.id))


async def seats(session: AsyncSession) -> Seats:
    """Return the tenant's seats, in one statement; without an entitlement for seats there are none."""
    granted = select(func.coalesce(func.max(Entitlement.value), SEATS.default)).where(Entitlement.key == SEATS.key)
    members = select(func.count(col(Membership.id)))
    invited = select(func.count(col(Invitation.id))).where(pending())
    statement = select(granted.scalar_subquery(), members.scalar_subquery(), invited.scalar_subquery())
    return Seats(*(await session.exec(statement)).one())


def _unsettled() -> ColumnElement[bool]:
    return col(Invitation.accepted_at).is_(None) & col(Invitation.revoked_at).is_(None)


def _conditions() -> Mapping[InvitationStatus, ColumnElement[bool]]:
    """Return ``Invitation.status`` in SQL."""
    return {
        "pending": pending(),
        "accepted": col(Invitation.accepted_at).is_not(None),
        "revoked": col(Invitation.accepted_at).is_(None) & col(Invitation.revoked_at).is_not(None),
        "expired": _unsettled() & (col(Invitation.expires_at) <= clock.now()),
    }
