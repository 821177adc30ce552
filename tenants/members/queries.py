"""Queries for the tenant's members."""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access import Role
from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.models import Membership
from insula.db.query.pages import Columns, fetch_keyset
from tenants.members.schemas import MemberList

_SORTABLE: Final[Columns] = {
    "created_at": col(Membership.created_at),
    "name": col(Membership.name_key),
    "email": col(Membership.email),
}


async def page(session: AsyncSession, params: MemberList) -> Slice[Membership]:
    """Return one page of members; ``search`` looks into name and email."""
    statement = select(Membership)
    if params.role is not None:
        statement = statement.where(Membership.role == params.role)
    if params.search is not None:
        pattern = containing(params.search)
        statement = statement.where(
            col(Membership.name).regexp_match(pattern) | col(Membership.email).regexp_match(pattern)
        )
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(Membership.id))


async def find(session: AsyncSession, member_id: UUID, *, for_update: bool = False) -> Membership | None:
    """Return the member; ``for_update`` locks the row until this transaction ends."""
    return await _one(session, col(Membership.id) == member_id, for_update=for_update)


async def find_user(session: AsyncSession, user_id: UUID, *, for_update: bool = False) -> Membership | None:
    """Return the user's membership; ``for_update`` as in ``find``."""
    return await _one(session, col(Membership.user_id) == user_id, for_update=for_update)


async def find_email(session: AsyncSession, email: str) -> Membership | None:
    """Return the member with this folded address."""
    return (await session.exec(select(Membership).where(Membership.email == email))).first()


async def count_owners(session: AsyncSession) -> int:
    """Return how many owners the tenant has."""
    return (await session.exec(select(func.count(col(Membership.id))).where(Membership.role == Role.OWNER))).one()


async def _one(session: AsyncSession, condition: ColumnElement[bool], *, for_update: bool) -> Membership | None:
    statement = select(Membership).where(condition)
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()
