from insula.access import ALL_STAFF, SUPERUSERS, Permission


class Action(Permission):
    """Permissions on staff."""

    READ = "staff.staff:read", "See the staff and their roles", ALL_STAFF
    APPOINT = "staff.staff:appoint", "Make users staff", SUPERUSERS
    UPDATE = "staff.staff:update", "Give staff other roles", SUPERUSERS
    DISMISS = "staff.staff:dismiss", "Dismiss staff", SUPERUSERS
