from insula.access import ALL_STAFF, SUPPORT_STAFF, Permission


class Action(Permission):
    """Permissions of staff on users' logins."""

    READ = "staff.session:read", "See users' logins", ALL_STAFF
    REVOKE = "staff.session:revoke", "End users' logins", SUPPORT_STAFF
