"""What apps do when a tenant begins, in the transaction that makes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from insula.db.models import FREE
from insula.errors import PlanUnknown
from insula.ids import TenantId

OnNewTenant = Callable[[AsyncSession, TenantId, str], Awaitable[None]]
"""Gets the session, which is bound to the new tenant, the tenant's id and the key of its plan.

It acts as the app that makes the tenant, so its own app declares rights for that app's role. An app that knows plans
raises PlanUnknown for a key that is none of theirs. What it raises undoes the tenant.
"""


@dataclass(frozen=True, slots=True)
class NewTenants:
    """What every app of the installation does when a tenant begins, in the order of the apps."""

    hooks: tuple[OnNewTenant, ...] = ()

    async def begin(self, session: AsyncSession, tenant_id: TenantId, plan: str) -> None:
        """Call every hook. Raises PlanUnknown; where there are no hooks, for each plan but the free one."""
        if not self.hooks and plan != FREE:
            raise PlanUnknown
        for hook in self.hooks:
            await hook(session, tenant_id, plan)
