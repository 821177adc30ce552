from insula.access import ALL_STAFF, Permission


class Action(Permission):
    """Permissions of staff on the audit log."""

    READ = "staff.audit:read", "Read the audit log of every tenant and of the platform", ALL_STAFF
