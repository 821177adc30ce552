"""The hooks that apps run in the transaction that makes a tenant."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.errors import PlanUnknown
from insula.core.ids import TenantId
from insula.db.models import FREE, Entitlement

OnNewTenant = Callable[[AsyncSession, TenantId, str], Awaitable[None]]
"""A hook. It gets the session, bound to the new tenant, the tenant's id and the key of its plan.

It runs as the role of the app that makes the tenant, so the hook's app declares rights for that role. An app with
plans raises PlanUnknown for an unknown key. Any error rolls back the new tenant.
"""


@dataclass(frozen=True, slots=True)
class NewTenants:
    """The hooks of an installation, in the order of its apps."""

    hooks: tuple[OnNewTenant, ...] = ()
    with_plans: bool = False
    """Whether an app has plans. Otherwise there is only the free plan."""
    granted: Mapping[str, int] = field(default_factory=dict)
    """The entitlements of every new tenant, if no app has plans."""

    async def begin(self, session: AsyncSession, tenant_id: TenantId, plan: str) -> None:
        """Add the granted entitlements, and call every hook. Raises PlanUnknown."""
        if not self.with_plans and plan != FREE:
            raise PlanUnknown
        for key, value in self.granted.items():
            session.add(Entitlement(tenant_id=tenant_id, key=key, value=value))
        for hook in self.hooks:
            await hook(session, tenant_id, plan)
