from insula.access import ALL_STAFF, SUPPORT_STAFF, Permission


class Action(Permission):
    """Permissions of staff on background jobs."""

    READ = "staff.job:read", "See the jobs of every tenant", ALL_STAFF
    RETRY = "staff.job:retry", "Run jobs again", SUPPORT_STAFF
    CANCEL = "staff.job:cancel", "Cancel jobs", SUPPORT_STAFF
