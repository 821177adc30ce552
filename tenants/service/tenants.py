"""Tenants: how one begins, and what its people may change."""

from collections.abc import Mapping
from typing import Final

from billing.api import start_on
from insula.audit import image, record
from insula.db.models import FREE, Membership, Tenant
from insula.errors import AppError
from insula.http.etags import Precondition
from insula.ids import new_tenant_id
from insula.policy import Role
from insula.scope import PersonalScope, Scope, StaffScope
from insula.tenancy import Profile
from tenants.errors import SlugTaken
from tenants.queries import tenants as queries
from tenants.schemas.tenants import TenantCreate, TenantUpdate
from tenants.service.violations import answering

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {"uq_tenant_slug": SlugTaken}


async def create(scope: PersonalScope | StaffScope, body: TenantCreate, owner: Profile, plan: str = FREE) -> Tenant:
    """Create a tenant on a plan, with its owner. Raises SlugTaken, and PlanUnknown.

    Row-level security shows a transaction one tenant's rows, so the transaction enters the new
    tenant before it writes them.
    """
    session = scope.unit.session
    tenant_id = new_tenant_id()
    await scope.unit.enter(tenant_id)
    tenant = Tenant(id=tenant_id, plan=plan, **body.model_dump())
    session.add(tenant)
    with answering(_VIOLATIONS):
        await session.flush()
    session.add(Membership(tenant_id=tenant_id, user_id=owner.id, role=Role.OWNER, email=owner.email, name=owner.name))
    await start_on(session, tenant_id, plan)
    await session.flush()
    record(
        scope,
        "tenant.created",
        object_type="tenant",
        object_id=tenant_id,
        after={**image(tenant), "owner": owner.email},
        tenant_id=tenant_id,
    )
    return tenant


async def get(scope: Scope) -> Tenant:
    """Return the caller's tenant."""
    return await queries.get(scope.unit.session, scope.tenant.id)


async def update(scope: Scope, body: TenantUpdate, precondition: Precondition) -> Tenant:
    """Change what ``body`` names."""
    tenant = await queries.get(scope.unit.session, scope.tenant.id, for_update=True)
    precondition.check(tenant.version)
    before = image(tenant)
    tenant.sqlmodel_update(body.changes())
    await scope.unit.session.flush()
    record(scope, "tenant.updated", object_type="tenant", object_id=tenant.id, before=before, after=image(tenant))
    return tenant
