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
from tenants.errors import SlugsUsedUp, SlugTaken
from tenants.queries import tenants as queries
from tenants.schemas.tenants import TenantCreate, TenantUpdate
from tenants.service.violations import answering

MOST_SLUGS: Final = 10
"""That one tenant can keep from others by having had them."""

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {"uq_tenant_slug": SlugTaken, "uq_tenant_slug_slug": SlugTaken}


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
    """Change what ``body`` names. A slug that any other tenant has or had is taken, one's own former one is not."""
    tenant = await queries.get(scope.unit.session, scope.tenant.id, for_update=True)
    precondition.check(tenant.version)
    before = image(tenant)
    changes = body.changes()
    if changes.get("slug", tenant.slug) != tenant.slug:
        await _may_take(scope, changes["slug"])
    tenant.sqlmodel_update(changes)
    with answering(_VIOLATIONS):
        await scope.unit.session.flush()
    _record_change(scope, tenant, before)
    return tenant


async def _may_take(scope: Scope, slug: str) -> None:
    had = await queries.slugs(scope.unit.session)
    if slug not in had and len(had) >= MOST_SLUGS:
        raise SlugsUsedUp


def _record_change(scope: Scope, tenant: Tenant, before: dict[str, object]) -> None:
    after = image(tenant)
    renamed = {"slug": before.pop("slug")}, {"slug": after.pop("slug")}
    if renamed[0] != renamed[1]:
        _note(scope, "tenant.slug_changed", *renamed)
    if before != after or renamed[0] == renamed[1]:
        _note(scope, "tenant.updated", before, after)


def _note(scope: Scope, action: str, before: dict[str, object], after: dict[str, object]) -> None:
    record(scope, action, object_type="tenant", object_id=scope.tenant.id, before=before, after=after)
