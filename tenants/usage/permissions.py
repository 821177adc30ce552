from insula.access import BILLING_MANAGERS, Permission


class Action(Permission):
    """What callers may do with the usage."""

    READ = "usage:read", "See how much of the plan is used", BILLING_MANAGERS
