"""Quotas: limit a tenant's rows of one kind, exactly even under concurrency."""

import hashlib
from functools import partial

from sqlalchemy import func
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access.entitlements import CountedQuota, SmallQuota
from insula.core.errors import AppError, Retry
from insula.db.schema.counting import GRANTED, QUOTA
from insula.scope.scopes import Scope


class QuotaExceeded(AppError):
    """The plan's quota for this resource is used up."""

    code, status = "quota_exceeded", 409
    meaning = "The tenant has as many of these resources as its plan includes."
    cure = "Tell the user that the quota is used up: they can delete some, or choose a larger plan."
    retry = Retry.NO


def check_quota(scope: Scope, quota: CountedQuota) -> None:
    """Refuse the transaction, with QuotaExceeded at its COMMIT, if it leaves more rows than the tenant is granted.

    The trigger that counts the transaction's rows checks it. It holds the tenant's counter only while it commits: two
    transactions that insert wait for each other there, and nowhere else.
    """
    granted = scope.granted(quota)
    scope.unit.set_at_commit(f"{GRANTED}{quota.key}", f"{scope.tenant.id}:{granted}")
    scope.unit.refuse({f"{QUOTA}{quota.key}": partial(_exceeded, quota.key, granted)})


async def lock_quota(scope: Scope, quota: SmallQuota, more: int = 1) -> None:
    """Raise QuotaExceeded if the tenant's quota has no room for ``more`` rows, which the caller then inserts.

    A lock, held until this transaction ends, makes the next caller wait and count the rows of this one.
    """
    session = scope.unit.session
    await lock(session, f"quota:{scope.tenant.id}:{quota.key}")
    # A separate statement: the snapshot of the statement that waited for the lock is older than the lock.
    used = (await session.exec(select(quota.used()))).one()
    granted = scope.granted(quota)
    if used + more > granted:
        raise QuotaExceeded(f"The plan grants {granted} {quota.key}; {used} are in use.")


async def lock(session: AsyncSession, name: str) -> None:
    """Wait for the advisory lock with this ``name``, and hold it until this transaction ends."""
    digest = hashlib.sha256(name.encode()).digest()
    await session.exec(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))


def _exceeded(key: str, granted: int, used: str) -> QuotaExceeded:
    return QuotaExceeded(f"The plan grants {granted} {key}; {used} are in use.")
