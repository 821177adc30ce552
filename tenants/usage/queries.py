"""Queries for a tenant's usage of its plan."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access.entitlements import Quota


async def used(session: AsyncSession, quotas: Sequence[Quota]) -> Sequence[int]:
    """Return how much of each quota is used, in one statement."""
    connection = await session.connection()
    return tuple((await connection.execute(select(*(quota.used() for quota in quotas)))).one())
