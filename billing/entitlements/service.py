from collections.abc import Sequence

from billing.entitlements import queries
from insula.db.models import Entitlement
from insula.scope import Scope


async def entitlements(scope: Scope) -> Sequence[Entitlement]:
    """Return the tenant's current entitlements, sorted by key."""
    return await queries.entitlements(scope.unit.session, scope.tenant.id)
