"""What staff grant a tenant in place of its plan. It counts in every process when it is committed."""

from collections.abc import Sequence

import billing.api
from admin.overrides.schemas import OverridePut
from admin.tenants import queries as tenants
from billing.api import EntitlementOverride
from insula.errors import NotFound
from insula.ids import TenantId
from insula.scope import StaffScope


async def listing(scope: StaffScope, tenant_id: TenantId) -> Sequence[EntitlementOverride]:
    """Return the tenant's overrides by key. Raises NotFound."""
    await _exists(scope, tenant_id)
    return await billing.api.overrides_of(scope, tenant_id)


async def put(scope: StaffScope, tenant_id: TenantId, key: str, body: OverridePut) -> tuple[EntitlementOverride, bool]:
    """Grant what ``body`` says, and say whether it is new. Raises NotFound, EntitlementUnknown and InvalidValue."""
    await _exists(scope, tenant_id)
    terms = billing.api.Override(body.value, body.reason, body.expires_at)
    return await billing.api.override(scope, tenant_id, key, terms)


async def lift(scope: StaffScope, tenant_id: TenantId, key: str) -> None:
    """Grant what the plan says again. Raises NotFound and OverrideMissing."""
    await _exists(scope, tenant_id)
    await billing.api.lift_override(scope, tenant_id, key)


async def _exists(scope: StaffScope, tenant_id: TenantId) -> None:
    if await tenants.find(scope.unit.session, tenant_id) is None:
        raise NotFound
