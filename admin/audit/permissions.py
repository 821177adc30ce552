from insula.access import ALL_STAFF, Permission


class Action(Permission):
    """What staff may do with the audit log."""

    READ = "staff.audit:read", "Read the audit log of every tenant and of the platform", ALL_STAFF
