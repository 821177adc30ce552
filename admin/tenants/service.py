"""Staff list, create, suspend and reactivate tenants. A new status reaches every process once it is committed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import tenants.api
from admin.tenants import queries
from admin.tenants.acts import Act
from admin.tenants.schemas import TenantCreate, TenantList
from admin.users.service import verified_user
from insula.audit import record, snapshot
from insula.core.errors import NotFound
from insula.core.ids import TenantId, UserId
from insula.db.models import ACTIVE, SUSPENDED, Tenant
from insula.scope import StaffScope
from insula.tenancy import NewTenants, UserProfile


@dataclass(frozen=True, slots=True)
class TenantOverview:
    """A tenant and its usage: ``counts`` by quota."""

    tenant: Tenant
    members: int
    counts: Mapping[str, int]


async def listing(scope: StaffScope, params: TenantList) -> tuple[Sequence[Tenant], int]:
    """Return one page of all tenants and how many match in all."""
    return await queries.page(scope.unit.session, params)


async def overview(scope: StaffScope, tenant_id: TenantId, counted: Iterable[str]) -> TenantOverview:
    """Return a tenant and its usage of each of the ``counted`` quotas. Raises NotFound."""
    session = scope.unit.session
    tenant = await queries.find(session, tenant_id)
    if tenant is None:
        raise NotFound
    members = await queries.member_count(session, tenant_id)
    held = await queries.counters(session, tenant_id)
    return TenantOverview(tenant, members, {quota: held.get(quota, 0) for quota in counted})


async def create(scope: StaffScope, body: TenantCreate, new_tenants: NewTenants) -> Tenant:
    """Create a tenant for an existing user. Raises UserMissing, UserUnfit, SlugTaken, PlanUnknown."""
    owner = await verified_user(scope.unit.session, body.owner_id, body.owner_email)
    profile = UserProfile(UserId(owner.id), owner.email, owner.name, verified=True)
    named = tenants.api.TenantCreate(slug=body.slug, name=body.name)
    return await tenants.api.create_tenant(scope, named, profile, new_tenants, body.plan)


async def suspend(scope: StaffScope, tenant_id: TenantId) -> Tenant:
    """Refuse the tenant's requests from now on. Suspending it again changes nothing. Raises NotFound."""
    return await _set_status(scope, tenant_id, SUSPENDED, Act.SUSPENDED)


async def reactivate(scope: StaffScope, tenant_id: TenantId) -> Tenant:
    """Serve the tenant again. Reactivating an active one changes nothing. Raises NotFound."""
    return await _set_status(scope, tenant_id, ACTIVE, Act.REACTIVATED)


async def _set_status(scope: StaffScope, tenant_id: TenantId, status: str, act: Act) -> Tenant:
    tenant = await queries.find(scope.unit.session, tenant_id, for_update=True)
    if tenant is None:
        raise NotFound
    before = snapshot(tenant)
    tenant.status = status
    await scope.unit.session.flush()
    after = snapshot(tenant)
    record(scope, act, object_type="tenant", object_id=tenant_id, before=before, after=after, tenant_id=tenant_id)
    return tenant
