from insula.access import BILLING_MANAGERS, Permission


class Action(Permission):
    """What callers may do with entitlements."""

    READ = "entitlement:read", "See what the tenant's plan grants", BILLING_MANAGERS
