from insula.access import BILLING_MANAGERS, Permission


class Action(Permission):
    """Permissions on the usage."""

    READ = "usage:read", "See how much of the plan is used", BILLING_MANAGERS
