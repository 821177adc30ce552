"""Quotas: how many rows of a kind the plan grants, exactly, also under concurrency.

What there may be many of is counted by triggers as it comes and goes; of what stays few the rows
are counted when another is to be made.
"""

import hashlib
from typing import Literal

from sqlalchemy import ColumnElement, func
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.db.base import Base
from insula.errors import AppError
from insula.scope import Scope
from tenants.tenants import queries
from tenants.usage import queries as usage
from tenants.usage.models import Counted

Few = Literal["api_keys", "domains"]


class QuotaExceeded(AppError):
    """The plan's quota for this resource is used up."""

    code, status = "quota_exceeded", 409


async def settle(scope: Scope, resource: Counted, added: int = 1) -> None:
    """Raise QuotaExceeded if the rows just inserted, ``added`` of them, are more than the plan grants.

    Inserting them raised the tenant's counter, which stays locked until this transaction ends: who
    inserts meanwhile waits there. A resource that the plan does not name is not granted.
    """
    used = await usage.counted(scope.unit.session, resource)
    granted = scope.tenant.entitlements.get(resource, 0)
    if used > granted:
        raise QuotaExceeded(f"The plan grants {granted} {resource}; {used - added} are in use.")


async def reserve(
    scope: Scope,
    resource: Few,
    table: type[Base],
    more: int = 1,
    *,
    where: ColumnElement[bool] | None = None,
    unnamed: int = 0,
) -> None:
    """Make room for ``more`` rows of ``table``, or raise QuotaExceeded.

    The lock lasts until this transaction ends: the next caller counts what this one inserted. Rows
    that are not ``where`` do not count. A resource that the plan does not name is granted ``unnamed`` times.
    """
    session = scope.unit.session
    await lock(session, f"quota:{scope.tenant.id}:{resource}")
    # A statement of its own: the snapshot of the one that waited for the lock is older than the lock.
    used = await queries.count(session, table, where)
    granted = scope.tenant.entitlements.get(resource, unnamed)
    if used + more > granted:
        raise QuotaExceeded(f"The plan grants {granted} {resource}; {used} are in use.")


async def lock(session: AsyncSession, name: str) -> None:
    """Hold the lock of this ``name`` until this transaction ends; another transaction that wants it waits."""
    digest = hashlib.sha256(name.encode()).digest()
    await session.exec(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))
