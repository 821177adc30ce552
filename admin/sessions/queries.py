"""Queries for users' logins."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, not_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.sessions.schemas import SessionList
from insula.core.ids import UserId
from insula.db.models import AuthSession


async def sessions(
    session: AsyncSession, user_id: UserId, params: SessionList, now: datetime
) -> tuple[Sequence[AuthSession], int]:
    """Return one page of the user's logins and how many match in all."""
    mine = col(AuthSession.user_id) == user_id
    if params.live is not None:
        ends_at = func.least(AuthSession.expires_at, AuthSession.refresh_by)  # ignores a NULL
        live = and_(col(AuthSession.revoked_at).is_(None), ends_at > now)
        mine = and_(mine, live if params.live else not_(live))
    total = (await session.exec(select(func.count()).select_from(AuthSession).where(mine))).one()
    newest = select(AuthSession).where(mine).order_by(col(AuthSession.created_at).desc(), col(AuthSession.id).desc())
    return (await session.exec(newest.offset(params.skip).limit(params.limit))).all(), total


async def locked_session(session: AsyncSession, user_id: UserId, session_id: UUID) -> AuthSession | None:
    """Return the user's login, locked until this transaction ends."""
    mine = (col(AuthSession.id) == session_id) & (col(AuthSession.user_id) == user_id)
    return (await session.exec(select(AuthSession).where(mine).with_for_update(key_share=True))).one_or_none()


async def end_children(session: AsyncSession, parent_id: UUID, now: datetime) -> None:
    """End the sessions that OAuth clients got by a session of a browser."""
    live = col(AuthSession.parent_id) == parent_id, col(AuthSession.revoked_at).is_(None)
    await session.exec(update(AuthSession).where(*live).values(revoked_at=now))
