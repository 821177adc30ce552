"""Queries for the staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.staff.schemas import StaffList
from insula.access import StaffRole
from insula.core.text.searching import containing
from insula.db.models import ACTIVE, Staff, User

_LOCK: Final = 0x57AFF
"""The advisory lock for all changes that staff make to users and staff."""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A staff member and their account."""

    staff: Staff
    user: User


async def page(session: AsyncSession, params: StaffList) -> tuple[Sequence[StaffMember], int]:
    """Return one page of staff members and how many match in all."""
    matching = []
    if params.search is not None:
        text = containing(params.search)
        matching.append(or_(col(User.email).regexp_match(text), col(User.name).regexp_match(text)))
    if params.role is not None:
        matching.append(col(Staff.role) == params.role)
    joined = col(Staff.user_id) == col(User.id)
    total = (await session.exec(select(func.count()).select_from(Staff).join(User, joined).where(*matching))).one()
    by = {"email": col(User.email), "name": col(User.name_key)}[params.sort_field]
    order = (by.desc(), col(User.id).desc()) if params.descending else (by, col(User.id))
    rows = select(Staff, User).join(User, joined).where(*matching).order_by(*order)
    found = (await session.exec(rows.offset(params.skip).limit(params.limit))).all()
    return [StaffMember(staff, user) for staff, user in found], total


async def role_of(session: AsyncSession, user_id: UUID) -> str | None:
    """Return the user's staff role, if they are staff."""
    return (await session.exec(select(Staff.role).where(col(Staff.user_id) == user_id))).one_or_none()


async def lock(session: AsyncSession) -> None:
    """Take the lock for all changes that staff make to users and staff, until this transaction ends."""
    await session.exec(select(func.pg_advisory_xact_lock(_LOCK)))


async def active_role_of(session: AsyncSession, user_id: UUID) -> str | None:
    """Return the user's staff role, if they are staff and not suspended."""
    active = (
        select(Staff.role)
        .join(User, col(User.id) == col(Staff.user_id))
        .where(col(Staff.user_id) == user_id, User.status == ACTIVE)
    )
    return (await session.exec(active)).one_or_none()


async def locked(session: AsyncSession, user_id: UUID) -> StaffMember | None:
    """Return a staff member, locked until this transaction ends."""
    statement = (
        select(Staff, User)
        .join(User, col(User.id) == col(Staff.user_id))
        .where(col(Staff.user_id) == user_id)
        .with_for_update(of=Staff, key_share=True)
    )
    found = (await session.exec(statement)).one_or_none()
    return None if found is None else StaffMember(*found)


async def locked_superusers(session: AsyncSession) -> Sequence[User]:
    """Return all superusers, locked in a fixed order, so that superusers who change each other cannot deadlock.

    Their roles are locked too, so a transaction that waited reads the current roles.
    """
    statement = (
        select(User)
        .join(Staff, col(Staff.user_id) == col(User.id))
        .where(Staff.role == StaffRole.SUPERUSER)
        .order_by(col(User.id))
        .with_for_update(of=(User, Staff), key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.exec(statement)).all()
