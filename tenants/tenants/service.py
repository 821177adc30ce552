"""Tenants: making one, and changing its settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from insula.access import Role
from insula.audit import record, snapshot
from insula.core.errors import AppError
from insula.core.ids import new_tenant_id
from insula.core.preconditions import Precondition
from insula.db.models import FREE, Membership, Tenant
from insula.db.query.violations import violations_as
from insula.limits import Limits
from insula.limits.mails import DAY
from insula.scope import PersonalScope, Scope, StaffScope
from insula.scope.quotas import lock
from insula.tenancy import Directory, NewTenants, UserProfile
from tenants.settings import TenantsSettings
from tenants.tenants import queries
from tenants.tenants.acts import Act
from tenants.tenants.errors import SlugsUsedUp, SlugTaken, TenantsUsedUp, TooManyTenants
from tenants.tenants.schemas import TenantCreate, TenantUpdate

MOST_SLUGS: Final = 10
"""The most slugs, current and former, of one tenant: other tenants can use none of them."""

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {"uq_tenant_slug": SlugTaken, "uq_tenant_slug_slug": SlugTaken}


async def create(
    scope: PersonalScope | StaffScope, body: TenantCreate, owner: UserProfile, new_tenants: NewTenants, plan: str = FREE
) -> Tenant:
    """Create a tenant on a plan, with its owner. Raises SlugTaken, and PlanUnknown.

    Row-level security shows a transaction one tenant's rows, so the transaction enters the new
    tenant before it writes them.
    """
    session = scope.unit.session
    tenant_id = new_tenant_id()
    await scope.unit.enter(tenant_id)
    tenant = Tenant(id=tenant_id, plan=plan, **body.model_dump())
    session.add(tenant)
    with violations_as(scope.unit, _VIOLATIONS):
        await session.flush()
    session.add(Membership(tenant_id=tenant_id, user_id=owner.id, role=Role.OWNER, email=owner.email, name=owner.name))
    await new_tenants.begin(session, tenant_id, plan)
    await session.flush()
    record(
        scope,
        Act.CREATED,
        object_type="tenant",
        object_id=tenant_id,
        after={**snapshot(tenant), "owner": owner.email},
        tenant_id=tenant_id,
    )
    return tenant


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits on tenants that one person makes: how many they own, and how many they make in a day."""

    directory: Directory
    limits: Limits
    settings: TenantsSettings


async def create_own(
    scope: PersonalScope, body: TenantCreate, owner: UserProfile, new_tenants: NewTenants, bounds: Bounds
) -> Tenant:
    """Create a tenant for the caller, on the free plan. Raises SlugTaken, TenantsUsedUp and TooManyTenants."""
    await _check_may_own_another(scope, bounds.directory, bounds.settings.owned_by_one)
    tenant = await create(scope, body, owner, new_tenants)
    # Counted last: a tenant that is refused for its slug does not count.
    day = await bounds.limits.admit_exactly(f"tenants:by:{owner.id}", bounds.settings.created_per_day, DAY)
    if not day.allowed:
        raise TooManyTenants(headers=day.headers())
    return tenant


async def get(scope: Scope) -> Tenant:
    """Return the caller's tenant."""
    return await queries.get(scope.unit.session, scope.tenant.id)


async def update(scope: Scope, body: TenantUpdate, precondition: Precondition) -> Tenant:
    """Change the fields in ``body``. A tenant can reuse its former slugs, but take none that another has or had."""
    tenant = await queries.get(scope.unit.session, scope.tenant.id, for_update=True)
    precondition.check(tenant.version)
    before = snapshot(tenant)
    changes = body.changes()
    if changes.get("slug", tenant.slug) != tenant.slug:
        await _check_may_take(scope, changes["slug"])
    tenant.sqlmodel_update(changes)
    with violations_as(scope.unit, _VIOLATIONS):
        await scope.unit.session.flush()
    _record_change(scope, tenant, before)
    return tenant


async def _check_may_own_another(scope: PersonalScope, directory: Directory, most: int) -> None:
    """Raise TenantsUsedUp unless the caller owns fewer than ``most`` tenants.

    The lock lasts until this transaction ends, so concurrent creations count each other. The memberships are counted
    outside this transaction, because row-level security shows it one tenant only.
    """
    person = scope.principal.user_id
    await lock(scope.unit.session, f"tenants:{person}")
    roles = [role for _, role in await directory.memberships(person)]
    if roles.count(Role.OWNER) >= most:
        raise TenantsUsedUp(f"One person can own {most} tenants.")


async def _check_may_take(scope: Scope, slug: str) -> None:
    had = await queries.slugs(scope.unit.session)
    if slug not in had and len(had) >= MOST_SLUGS:
        raise SlugsUsedUp


def _record_change(scope: Scope, tenant: Tenant, before: dict[str, object]) -> None:
    after = snapshot(tenant)
    renamed = {"slug": before.pop("slug")}, {"slug": after.pop("slug")}
    if renamed[0] != renamed[1]:
        _note(scope, Act.SLUG_CHANGED, *renamed)
    if before != after or renamed[0] == renamed[1]:
        _note(scope, Act.UPDATED, before, after)


def _note(scope: Scope, action: Act, before: dict[str, object], after: dict[str, object]) -> None:
    record(scope, action, object_type="tenant", object_id=scope.tenant.id, before=before, after=after)
