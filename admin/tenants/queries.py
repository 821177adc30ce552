"""Queries for tenants."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.tenants.schemas import TenantList
from insula.core.ids import TenantId
from insula.core.text.searching import containing
from insula.db.models import Membership, Tenant, TenantUsage
from insula.db.query.pages import fetch_offset


async def page(session: AsyncSession, params: TenantList) -> tuple[Sequence[Tenant], int]:
    """Return one page of the tenants and how many match in all."""
    statement = select(Tenant)
    if params.search is not None:
        text = containing(params.search)
        statement = statement.where(or_(col(Tenant.slug).regexp_match(text), col(Tenant.name).regexp_match(text)))
    if params.status is not None:
        statement = statement.where(Tenant.status == params.status)
    if params.plan is not None:
        statement = statement.where(Tenant.plan == params.plan)
    columns = {
        "created_at": col(Tenant.created_at),
        "name": col(Tenant.name_key),
        "slug": col(Tenant.slug),
    }
    return await fetch_offset(session, statement, params, columns=columns, identity=col(Tenant.id))


async def find(session: AsyncSession, tenant_id: TenantId, *, for_update: bool = False) -> Tenant | None:
    """Return the tenant; ``for_update`` locks the row until this transaction ends."""
    statement = select(Tenant).where(Tenant.id == tenant_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def member_count(session: AsyncSession, tenant_id: TenantId) -> int:
    """Return how many members the tenant has."""
    statement = select(func.count()).select_from(Membership).where(col(Membership.tenant_id) == tenant_id)
    return (await session.exec(statement)).one()


async def counters(session: AsyncSession, tenant_id: TenantId) -> Mapping[str, int]:
    """Return the tenant's number of rows by quota. Quotas of which it never had a row are missing."""
    statement = select(TenantUsage.resource, TenantUsage.used).where(col(TenantUsage.tenant_id) == tenant_id)
    return dict((await session.exec(statement)).all())
