"""How much of its plan the tenant uses."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, ScalarSelect, func
from sqlalchemy import select as tuple_of
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.db.base import Base
from insula.db.models import ApiKey, Membership, TenantDomain, TenantUsage
from tenants.api_keys import queries as api_keys
from tenants.invitations import queries as invitations
from tenants.invitations.models import Invitation
from tenants.usage.models import Counted, Quota


async def counted(session: AsyncSession, resource: Counted) -> int:
    """Return the counter of the tenant's rows."""
    return (await session.exec(select(_counter(resource)))).one()


async def used(session: AsyncSession) -> Mapping[Quota, int]:
    """Return how much there is of all that a plan bounds, in one statement. Pending invitations take seats."""
    pending = select(func.count()).select_from(Invitation).where(invitations.pending()).scalar_subquery()
    live = select(func.count()).select_from(ApiKey).where(api_keys.live()).scalar_subquery()
    numbers: Mapping[Quota, ColumnElement[int]] = {
        "projects": _counter("projects"),
        "items": _counter("items"),
        "seats": _number(Membership) + pending,
        "api_keys": live,
        "domains": _number(TenantDomain),
    }
    connection = await session.connection()
    row = (await connection.execute(tuple_of(*numbers.values()))).one()
    return dict(zip(numbers, row, strict=True))


def _counter(resource: Counted) -> ScalarSelect[int]:
    # The aggregate gives a row also to a tenant that never had any.
    return (
        select(func.coalesce(func.max(TenantUsage.used), 0))
        .where(col(TenantUsage.resource) == resource)
        .scalar_subquery()
    )


def _number(table: type[Base]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).scalar_subquery()
