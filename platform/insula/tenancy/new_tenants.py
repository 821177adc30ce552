"""What apps do when a tenant begins, in the transaction that makes it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.errors import PlanUnknown
from insula.core.ids import TenantId
from insula.db.models import FREE, Entitlement

OnNewTenant = Callable[[AsyncSession, TenantId, str], Awaitable[None]]
"""Gets the session, which is bound to the new tenant, the tenant's id and the key of its plan.

It acts as the app that makes the tenant, so its own app declares rights for that app's role. An app that knows plans
raises PlanUnknown for a key that is none of theirs. What it raises undoes the tenant.
"""


@dataclass(frozen=True, slots=True)
class NewTenants:
    """What every app of the installation does when a tenant begins, in the order of the apps."""

    hooks: tuple[OnNewTenant, ...] = ()
    with_plans: bool = False
    """Whether an app has plans. Without, there is the free one alone."""
    granted: Mapping[str, int] = field(default_factory=dict)
    """What every new tenant is granted, where no app has plans."""

    async def begin(self, session: AsyncSession, tenant_id: TenantId, plan: str) -> None:
        """Grant what every tenant is granted, and call every hook. Raises PlanUnknown."""
        if not self.with_plans and plan != FREE:
            raise PlanUnknown
        for key, value in self.granted.items():
            session.add(Entitlement(tenant_id=tenant_id, key=key, value=value))
        for hook in self.hooks:
            await hook(session, tenant_id, plan)
