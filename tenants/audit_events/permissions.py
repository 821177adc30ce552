from insula.access import ADMINS, Permission


class Action(Permission):
    """What callers may do with the audit log."""

    READ = "audit:read", "Read the audit log", ADMINS
