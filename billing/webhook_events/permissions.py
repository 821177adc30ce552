from insula.access import ALL_STAFF, SUPPORT_STAFF, Permission


class Action(Permission):
    """Permissions of staff on the payment provider's events."""

    READ = "staff.webhook:read", "See the payment provider's events", ALL_STAFF
    REPLAY = "staff.webhook:replay", "Process dead and quarantined events again", SUPPORT_STAFF
