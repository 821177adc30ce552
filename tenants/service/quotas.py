"""Quotas: how many rows of a kind the plan grants, exactly, also under concurrency."""

import hashlib
from typing import Literal

from sqlalchemy import ColumnElement, func
from sqlmodel import select

from insula.db.base import TenantOwned
from insula.scope import Scope
from tenants.errors import QuotaExceeded
from tenants.queries import tenants as queries

Resource = Literal["projects", "items", "api_keys"]


async def reserve(
    scope: Scope,
    resource: Resource,
    table: type[TenantOwned],
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
    await session.exec(select(func.pg_advisory_xact_lock(_lock_id(scope, resource))))
    # A statement of its own: the snapshot of the one that waited for the lock is older than the lock.
    used = await queries.count(session, table, where)
    granted = scope.tenant.entitlements.get(resource, unnamed)
    if used + more > granted:
        raise QuotaExceeded(f"The plan grants {granted} {resource}; {used} are in use.")


def _lock_id(scope: Scope, resource: Resource) -> int:
    digest = hashlib.sha256(f"quota:{scope.tenant.id}:{resource}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
