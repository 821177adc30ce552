"""Quotas: how many rows of a kind the plan grants, exactly, also under concurrency."""

import hashlib
from typing import Literal

from sqlalchemy import func
from sqlmodel import select

from insula.db.base import TenantOwned
from insula.scope import Scope
from tenants.errors import QuotaExceeded
from tenants.queries import tenants as queries

Resource = Literal["projects", "items"]


async def reserve(scope: Scope, resource: Resource, table: type[TenantOwned], more: int = 1) -> None:
    """Make room for ``more`` rows of ``table``, or raise QuotaExceeded.

    The lock lasts until this transaction ends: the next caller counts what this one inserted. A
    resource that the plan does not name is not granted.
    """
    session = scope.unit.session
    await session.exec(select(func.pg_advisory_xact_lock(_lock_id(scope, resource))))
    # A statement of its own: the snapshot of the one that waited for the lock is older than the lock.
    used = await queries.count(session, table)
    granted = scope.tenant.entitlements.get(resource, 0)
    if used + more > granted:
        raise QuotaExceeded(f"The plan grants {granted} {resource}; {used} are in use.")


def _lock_id(scope: Scope, resource: Resource) -> int:
    digest = hashlib.sha256(f"quota:{scope.tenant.id}:{resource}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
