"""Users, where they belong and their logins, read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, not_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.schemas.users import SessionList, UserList
from insula.db.models import AuthSession, Membership, Tenant, User
from insula.http.paging import fetch_offset
from insula.ids import UserId
from insula.text.searching import containing


@dataclass(frozen=True, slots=True)
class UserMembership:
    """A user's place in a tenant, with the tenant's name."""

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
    """Return the user; ``for_update`` lets no other transaction change them before this one ends."""
    statement = select(User).where(User.id == user_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """Return the user with this folded address."""
    return (await session.exec(select(User).where(User.email == email))).one_or_none()


async def memberships(session: AsyncSession, user_id: UserId) -> Sequence[UserMembership]:
    """Return the user's places in tenants, by the tenants' slugs."""
    statement = (
        select(Membership, Tenant)
        .join(Tenant, col(Tenant.id) == col(Membership.tenant_id))
        .where(col(Membership.user_id) == user_id)
        .order_by(col(Tenant.slug))
    )
    return [UserMembership(membership, tenant) for membership, tenant in (await session.exec(statement)).all()]


async def sessions(
    session: AsyncSession, user_id: UserId, params: SessionList, now: datetime
) -> tuple[Sequence[AuthSession], int]:
    """Return one page of the user's logins and how many match in all."""
    mine = col(AuthSession.user_id) == user_id
    if params.live is not None:
        live = and_(col(AuthSession.revoked_at).is_(None), col(AuthSession.expires_at) > now)
        mine = and_(mine, live if params.live else not_(live))
    total = (await session.exec(select(func.count()).select_from(AuthSession).where(mine))).one()
    newest = select(AuthSession).where(mine).order_by(col(AuthSession.created_at).desc(), col(AuthSession.id).desc())
    return (await session.exec(newest.offset(params.skip).limit(params.limit))).all(), total


async def locked_session(session: AsyncSession, user_id: UserId, session_id: UUID) -> AuthSession | None:
    """Return the user's login, which nobody else changes until this transaction ends."""
    mine = (col(AuthSession.id) == session_id) & (col(AuthSession.user_id) == user_id)
    return (await session.exec(select(AuthSession).where(mine).with_for_update(key_share=True))).one_or_none()
