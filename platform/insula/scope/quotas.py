"""Quotas: how many rows of a kind a tenant is granted, exactly, also under concurrency."""

import hashlib

from sqlalchemy import func
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access.entitlements import CountedQuota, SmallQuota
from insula.core.errors import AppError
from insula.scope.scopes import Scope


class QuotaExceeded(AppError):
    """The plan's quota for this resource is used up."""

    code, status = "quota_exceeded", 409


async def settle(scope: Scope, quota: CountedQuota, added: int = 1) -> None:
    """Raise QuotaExceeded if the rows just inserted, ``added`` of them, are more than the tenant is granted.

    Inserting them raised the tenant's counter, which stays locked until this transaction ends: another
    transaction that inserts waits there.
    """
    used = (await scope.unit.session.exec(select(quota.used()))).one()
    granted = scope.granted(quota)
    if used > granted:
        raise QuotaExceeded(f"The plan grants {granted} {quota.key}; {used - added} are in use.")


async def reserve(scope: Scope, quota: SmallQuota, more: int = 1) -> None:
    """Make room for ``more`` rows, or raise QuotaExceeded.

    The lock lasts until this transaction ends: the next caller counts what this one inserted.
    """
    session = scope.unit.session
    await lock(session, f"quota:{scope.tenant.id}:{quota.key}")
    # A statement of its own: the snapshot of the one that waited for the lock is older than the lock.
    used = (await session.exec(select(quota.used()))).one()
    granted = scope.granted(quota)
    if used + more > granted:
        raise QuotaExceeded(f"The plan grants {granted} {quota.key}; {used} are in use.")


async def lock(session: AsyncSession, name: str) -> None:
    """Hold the lock of this ``name`` until this transaction ends; another transaction that wants it waits."""
    digest = hashlib.sha256(name.encode()).digest()
    await session.exec(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))
