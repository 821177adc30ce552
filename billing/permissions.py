"""What a tenant's people may do with its money, and which built-in role may."""

from typing import Final

from billing.entitlements.permissions import Action as EntitlementAction
from billing.plans.permissions import Action as PlanAction
from billing.subscriptions.permissions import Action as SubscriptionAction
from insula.policy import Permission, grants_of

PERMISSIONS: Final[tuple[Permission, ...]] = (
    *PlanAction,
    *SubscriptionAction,
    *EntitlementAction,
)
GRANTS: Final = grants_of(PERMISSIONS)
