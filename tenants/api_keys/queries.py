"""Queries for API keys."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access.entitlements import small_quota
from insula.core import clock
from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.models import ApiKey
from insula.db.query.pages import Columns, fetch_keyset
from tenants.api_keys.schemas import ApiKeyList

_SORTABLE: Final[Columns] = {"created_at": col(ApiKey.created_at), "name": col(ApiKey.name_key)}


def live() -> ColumnElement[bool]:
    """Return the condition that a key is neither revoked nor expired."""
    return col(ApiKey.revoked_at).is_(None) & ~_expired()


API_KEYS: Final = small_quota("api_keys", ApiKey, default=100, where=live)


async def find(session: AsyncSession, key_id: UUID, *, for_update: bool = False) -> ApiKey | None:
    """Return the key; ``for_update`` locks the row until this transaction ends."""
    statement = select(ApiKey).where(ApiKey.id == key_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def live_of(session: AsyncSession, user_id: UUID, *, for_update: bool = False) -> Sequence[ApiKey]:
    """Return the live keys that a user made, the newest first; ``for_update`` as in ``find``."""
    statement = select(ApiKey).where(ApiKey.created_by == user_id, live())
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement.order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc()))).all()


async def page(session: AsyncSession, params: ApiKeyList) -> Slice[ApiKey]:
    """Return one page of keys; ``search`` looks into the name."""
    statement = select(ApiKey)
    match params.status:
        case "live":
            statement = statement.where(live())
        case "expired":
            statement = statement.where(col(ApiKey.revoked_at).is_(None), _expired())
        case "revoked":
            statement = statement.where(col(ApiKey.revoked_at).is_not(None))
    if params.created_by is not None:
        statement = statement.where(ApiKey.created_by == params.created_by)
    if params.search is not None:
        statement = statement.where(col(ApiKey.name).regexp_match(containing(params.search)))
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(ApiKey.id))


def _expired() -> ColumnElement[bool]:
    expires_at = col(ApiKey.expires_at)
    return expires_at.is_not(None) & (expires_at <= clock.now())
