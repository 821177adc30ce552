"""Queries for the tenant itself."""

from collections.abc import Sequence

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.ids import TenantId
from insula.db.models import Tenant, TenantSlug


async def get(session: AsyncSession, tenant_id: TenantId, *, for_update: bool = False) -> Tenant:
    """Return the tenant; ``for_update`` locks the row until this transaction ends."""
    statement = select(Tenant).where(Tenant.id == tenant_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one()


async def slugs(session: AsyncSession) -> Sequence[str]:
    """Return every slug that the tenant has or had."""
    return (await session.exec(select(TenantSlug.slug))).all()
