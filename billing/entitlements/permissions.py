from insula.access import BILLING_MANAGERS, Permission


class Action(Permission):
    """Permissions on entitlements."""

    READ = "entitlement:read", "See what the tenant's plan grants", BILLING_MANAGERS
