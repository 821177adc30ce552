from insula.access import BILLING_MANAGERS, Permission


class Action(Permission):
    """What callers may do with the tenant's subscription."""

    READ = "subscription:read", "See the tenant's subscription", BILLING_MANAGERS
