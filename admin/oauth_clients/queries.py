"""Queries for the platform's own OAuth clients."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.oauth_clients.schemas import FirstPartyClientList
from insula.core import clock
from insula.core.text.searching import containing
from insula.db.models import AuthSession, FirstPartyClient
from insula.db.query.pages import fetch_offset


async def page(session: AsyncSession, params: FirstPartyClientList) -> tuple[Sequence[FirstPartyClient], int]:
    """Return one page of the clients and how many match in all."""
    statement = select(FirstPartyClient)
    if params.search is not None:
        statement = statement.where(col(FirstPartyClient.name).regexp_match(containing(params.search)))
    if params.status is not None:
        live = col(FirstPartyClient.revoked_at).is_(None)
        statement = statement.where(live if params.status == "live" else ~live)
    columns = {"created_at": col(FirstPartyClient.created_at), "name": col(FirstPartyClient.name_key)}
    return await fetch_offset(session, statement, params, columns=columns, identity=col(FirstPartyClient.id))


async def find(session: AsyncSession, client_id: UUID, *, for_update: bool = False) -> FirstPartyClient | None:
    """Return the client; ``for_update`` locks the row until this transaction ends."""
    statement = select(FirstPartyClient).where(FirstPartyClient.id == client_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def end_sessions(session: AsyncSession, client_id: UUID) -> None:
    """End the sessions that the client has got for users, with their tokens."""
    live = col(AuthSession.client_id) == client_id, col(AuthSession.revoked_at).is_(None)
    await session.exec(update(AuthSession).where(*live).values(revoked_at=clock.now()))
