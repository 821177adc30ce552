"""Queries for users and their memberships."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.users.schemas import UserList
from insula.core.ids import UserId
from insula.core.text.searching import containing
from insula.db.models import Membership, Tenant, User
from insula.db.query.pages import fetch_offset


@dataclass(frozen=True, slots=True)
class UserMembership:
    """A user's membership, with its tenant."""

    membership: Membership
    tenant: Tenant


async def page(session: AsyncSession, params: UserList) -> tuple[Sequence[User], int]:
    """Return one page of the users and how many match in all."""
    statement = select(User)
    if params.search is not None:
        text = containing(params.search)
        statement = statement.where(or_(col(User.email).regexp_match(text), col(User.name).regexp_match(text)))
    if params.status is not None:
        statement = statement.where(User.status == params.status)
    columns = {
        "created_at": col(User.created_at),
        "name": col(User.name_key),
        "email": col(User.email),
    }
    return await fetch_offset(session, statement, params, columns=columns, identity=col(User.id))


async def find(session: AsyncSession, user_id: UserId, *, for_update: bool = False) -> User | None:
    """Return the user; ``for_update`` locks the row until this transaction ends."""
    statement = select(User).where(User.id == user_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """Return the user with this folded address."""
    return (await session.exec(select(User).where(User.email == email))).one_or_none()


async def memberships(session: AsyncSession, user_id: UserId) -> Sequence[UserMembership]:
    """Return the user's memberships, sorted by the tenants' slugs."""
    statement = (
        select(Membership, Tenant)
        .join(Tenant, col(Tenant.id) == col(Membership.tenant_id))
        .where(col(Membership.user_id) == user_id)
        .order_by(col(Tenant.slug))
    )
    return [UserMembership(membership, tenant) for membership, tenant in (await session.exec(statement)).all()]
