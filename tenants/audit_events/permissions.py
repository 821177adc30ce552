from insula.access import ADMINS, Permission


class Action(Permission):
    """Permissions on the audit log."""

    READ = "audit:read", "Read the audit log", ADMINS
