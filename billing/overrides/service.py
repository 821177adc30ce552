"""Overrides: staff grant a tenant more or less than its plan does, for a reason and for a time.

Limits, seats and quotas read entitlements only: each change here writes the tenant's entitlements again.
"""

from collections.abc import Container, Sequence

from billing.database import BILLING
from billing.granting import regrant
from billing.overrides import queries
from billing.overrides.acts import Act
from billing.overrides.errors import EntitlementUnknown, OverrideMissing
from billing.overrides.models import EntitlementOverride
from billing.overrides.schemas import OverridePut
from billing.tenant_lock import locked_tenant
from insula.audit import SYSTEM, record, record_in, snapshot
from insula.core import clock
from insula.core.errors import InvalidValue, NotFound
from insula.core.ids import TenantId
from insula.db.engine.pools import Database
from insula.db.engine.roles import WORKER
from insula.db.engine.unit import Unit
from insula.scope import StaffScope

_OBJECT = "entitlement_override"


async def overrides_of(scope: StaffScope, tenant_id: TenantId) -> Sequence[EntitlementOverride]:
    """Return the tenant's overrides by key. Raises NotFound."""
    await _enter(scope, tenant_id)
    return await queries.overrides(scope.unit.session, tenant_id, None)


async def override(
    scope: StaffScope, tenant_id: TenantId, key: str, terms: OverridePut, known: Container[str]
) -> tuple[EntitlementOverride, bool]:
    """Grant ``terms`` from now on, instead of the plan's or an earlier override's; return whether it is the first.

    ``known`` are the declared entitlements. Raises NotFound, EntitlementUnknown, and InvalidValue for an end in the
    past.
    """
    session = scope.unit.session
    await _enter(scope, tenant_id)
    if terms.expires_at is not None and terms.expires_at <= clock.now():
        raise InvalidValue("An override must end in the future")
    if key not in known:
        raise EntitlementUnknown
    await locked_tenant(session, tenant_id)
    row = await queries.override(session, tenant_id, key)
    before = None if row is None else snapshot(row)
    if row is None:
        row = EntitlementOverride(tenant_id=tenant_id, key=key, value=0, reason="", created_by=scope.principal.user_id)
        session.add(row)
    row.value, row.reason, row.expires_at = terms.value, terms.reason, terms.expires_at
    row.created_by = scope.principal.user_id
    await session.flush()
    await regrant(session, tenant_id)
    record(
        scope, Act.SET, object_type=_OBJECT, object_id=row.key, before=before, after=snapshot(row), tenant_id=tenant_id
    )
    return row, before is None


async def lift_override(scope: StaffScope, tenant_id: TenantId, key: str) -> None:
    """Delete the override and grant the plan's amount. Raises NotFound and OverrideMissing."""
    session = scope.unit.session
    await _enter(scope, tenant_id)
    await locked_tenant(session, tenant_id)
    row = await queries.override(session, tenant_id, key)
    if row is None:
        raise OverrideMissing
    await session.delete(row)
    await session.flush()
    await regrant(session, tenant_id)
    record(scope, Act.LIFTED, object_type=_OBJECT, object_id=row.key, before=snapshot(row), tenant_id=tenant_id)


async def expire_overrides(database: Database) -> int:
    """Lift expired overrides, tenant by tenant, and return the number of tenants. Concurrent runs are safe."""
    async with database.unit(WORKER) as unit:
        tenants = await queries.tenants_with_expired_overrides(unit.session, clock.now())
    for tenant_id in tenants:
        async with database.unit(BILLING, tenant_id) as unit:
            await _expire(unit, TenantId(tenant_id))
    return len(tenants)


async def _enter(scope: StaffScope, tenant_id: TenantId) -> None:
    if not await queries.tenant_exists(scope.unit.session, tenant_id):
        raise NotFound
    await scope.unit.enter(tenant_id)


async def _expire(unit: Unit, tenant_id: TenantId) -> None:
    now = clock.now()
    await locked_tenant(unit.session, tenant_id)
    for row in await queries.overrides(unit.session, tenant_id, None):
        if row.expires_at is not None and row.expires_at <= now:
            await unit.session.delete(row)
            record_in(
                unit,
                SYSTEM,
                Act.EXPIRED,
                object_type=_OBJECT,
                object_id=row.key,
                before=snapshot(row),
                tenant_id=tenant_id,
            )
    await unit.session.flush()
    await regrant(unit.session, tenant_id)
