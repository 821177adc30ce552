"""Quotas: how many rows of a kind the plan grants, exactly, also under concurrency.

What there may be many of is counted by triggers as it comes and goes; of what stays few the rows
are counted when another is to be made.
"""

import hashlib
from typing import Literal

from sqlalchemy import ColumnElement, func
from sqlmodel import select

from insula.db.base import Base
from insula.policy import Role
from insula.scope import PersonalScope, Scope
from insula.tenancy import Directory
from tenants.errors import QuotaExceeded, TenantsUsedUp
from tenants.queries import tenants as queries
from tenants.queries import usage

Few = Literal["api_keys", "domains"]


async def settle(scope: Scope, resource: usage.Counted, added: int = 1) -> None:
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
    await session.exec(select(func.pg_advisory_xact_lock(_lock_id(scope, resource))))
    # A statement of its own: the snapshot of the one that waited for the lock is older than the lock.
    used = await queries.count(session, table, where)
    granted = scope.tenant.entitlements.get(resource, unnamed)
    if used + more > granted:
        raise QuotaExceeded(f"The plan grants {granted} {resource}; {used} are in use.")


async def reserve_tenant(scope: PersonalScope, directory: Directory, most: int) -> None:
    """Raise TenantsUsedUp unless the caller owns fewer than ``most`` tenants.

    The lock lasts until this transaction ends, so of many creations at once each counts the one before. They are
    counted outside of this transaction, to which row-level security shows one tenant.
    """
    person = scope.principal.person()
    await scope.unit.session.exec(select(func.pg_advisory_xact_lock(_hashed(f"tenants:{person}"))))
    roles = [role for _, role in await directory.memberships(person)]
    if roles.count(Role.OWNER) >= most:
        raise TenantsUsedUp(f"One person may own {most} tenants.")


def _lock_id(scope: Scope, resource: Few) -> int:
    return _hashed(f"quota:{scope.tenant.id}:{resource}")


def _hashed(name: str) -> int:
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
