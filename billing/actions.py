"""What a tenant's people may do with its money, and which built-in role may."""

from typing import Final

from insula.policy import BILLING_MANAGERS, EVERYBODY, Permission, grants_of


class Action(Permission):
    """Permissions of the billing app."""

    PLAN_READ = "plan:read", "See the plans on offer", EVERYBODY
    SUBSCRIPTION_READ = "subscription:read", "See the tenant's subscription", BILLING_MANAGERS
    ENTITLEMENT_READ = "entitlement:read", "See what the tenant's plan grants", BILLING_MANAGERS


PERMISSIONS: Final = tuple(Action)
GRANTS: Final = grants_of(PERMISSIONS)
