"""Queries for the tenant's own host names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access.entitlements import small_quota
from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.models import TenantDomain
from insula.db.query.pages import Columns, fetch_keyset
from tenants.domains.schemas import DomainList

_SORTABLE: Final[Columns] = {"created_at": col(TenantDomain.created_at), "host": col(TenantDomain.host)}

DOMAINS: Final = small_quota("domains", TenantDomain, default=5)


async def find(session: AsyncSession, domain_id: UUID, *, for_update: bool = False) -> TenantDomain | None:
    """Return the domain; ``for_update`` locks the row until this transaction ends."""
    statement = select(TenantDomain).where(TenantDomain.id == domain_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def due(session: AsyncSession, before: datetime, limit: int) -> Sequence[TenantDomain]:
    """Return every tenant's verified domains whose proof was last checked before ``before``, the oldest first."""
    looked = func.coalesce(TenantDomain.checked_at, TenantDomain.verified_at)
    statement = select(TenantDomain).where(col(TenantDomain.verified_at).is_not(None), looked < before)
    return (await session.exec(statement.order_by(looked).limit(limit))).all()


async def page(session: AsyncSession, params: DomainList) -> Slice[TenantDomain]:
    """Return one page of domains; ``search`` looks into the host."""
    statement = select(TenantDomain)
    if params.status is not None:
        verified = col(TenantDomain.verified_at).is_not(None)
        statement = statement.where(verified if params.status == "verified" else ~verified)
    if params.search is not None:
        statement = statement.where(col(TenantDomain.host).regexp_match(containing(params.search)))
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(TenantDomain.id))
