"""Queries for OAuth clients."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, delete
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access.entitlements import small_quota
from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.models import Membership, OAuthClient, OAuthConsent
from insula.db.query.pages import Columns, fetch_keyset
from tenants.oauth_clients.schemas import ClientConsentList, OAuthClientList

_SORTABLE: Final[Columns] = {"created_at": col(OAuthClient.created_at), "name": col(OAuthClient.name_key)}
_CONSENTS_SORTABLE: Final[Columns] = {"created_at": col(OAuthConsent.created_at)}


def live() -> ColumnElement[bool]:
    """Return the condition that a client is not revoked."""
    return col(OAuthClient.revoked_at).is_(None)


OAUTH_CLIENTS: Final = small_quota("oauth_clients", OAuthClient, default=100, where=live)


async def find(session: AsyncSession, client_id: UUID, *, for_update: bool = False) -> OAuthClient | None:
    """Return the client; ``for_update`` locks the row until this transaction ends."""
    statement = select(OAuthClient).where(OAuthClient.id == client_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def withdraw_consents(session: AsyncSession, client_id: UUID, kept: Collection[str] = ()) -> None:
    """Delete users' consents to the client, but for those within the scopes ``kept``; its sessions end with them."""
    statement = delete(OAuthConsent).where(col(OAuthConsent.client_id) == client_id)
    if kept:
        within = col(OAuthConsent.scopes).op("<@", is_comparison=True)(cast(sorted(kept), ARRAY(Text)))
        statement = statement.where(~within)
    await session.exec(statement)


async def consents(session: AsyncSession, client_id: UUID, params: ClientConsentList) -> Slice[OAuthConsent]:
    """Return one page of users' consents to the client; ``search`` looks into members' names."""
    statement = select(OAuthConsent).where(OAuthConsent.client_id == client_id)
    if params.search is not None:
        found = col(Membership.name).regexp_match(containing(params.search))
        statement = statement.where(col(OAuthConsent.user_id).in_(select(Membership.user_id).where(found)))
    return await fetch_keyset(session, statement, params, columns=_CONSENTS_SORTABLE, identity=col(OAuthConsent.id))


async def members(session: AsyncSession, user_ids: Collection[UUID]) -> Mapping[UUID, Membership]:
    """Return the memberships of these users, by the user's id; a user who has left the tenant has none."""
    found = await session.exec(select(Membership).where(col(Membership.user_id).in_(user_ids)))
    return {member.user_id: member for member in found}


async def withdraw_consent(session: AsyncSession, client_id: UUID, consent_id: UUID) -> OAuthConsent | None:
    """Delete a user's consent to the client, and return it; the sessions by it end with it."""
    one = col(OAuthConsent.client_id) == client_id, col(OAuthConsent.id) == consent_id
    return (await session.exec(delete(OAuthConsent).where(*one).returning(OAuthConsent))).scalar_one_or_none()


async def page(session: AsyncSession, params: OAuthClientList) -> Slice[OAuthClient]:
    """Return one page of clients; ``search`` looks into the name."""
    statement = select(OAuthClient)
    if params.status is not None:
        statement = statement.where(live() if params.status == "live" else ~live())
    if params.kind is not None:
        statement = statement.where(OAuthClient.kind == params.kind)
    if params.search is not None:
        statement = statement.where(col(OAuthClient.name).regexp_match(containing(params.search)))
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(OAuthClient.id))
