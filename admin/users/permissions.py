from insula.access import ALL_STAFF, SUPERUSERS, SUPPORT_STAFF, Permission


class Action(Permission):
    """Permissions of staff on users."""

    READ = "staff.user:read", "See every user and their tenants", ALL_STAFF
    SUSPEND = "staff.user:suspend", "Suspend users", SUPPORT_STAFF
    REACTIVATE = "staff.user:reactivate", "Let suspended users log in again", SUPERUSERS
