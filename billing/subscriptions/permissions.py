from insula.access import BILLING_MANAGERS, Permission


class Action(Permission):
    """Permissions on the tenant's subscription."""

    READ = "subscription:read", "See the tenant's subscription", BILLING_MANAGERS
