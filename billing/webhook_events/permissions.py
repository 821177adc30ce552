from insula.access import ALL_STAFF, SUPPORT_STAFF, Permission


class Action(Permission):
    """What staff may do with the payment provider's events."""

    READ = "staff.webhook:read", "See the payment provider's events", ALL_STAFF
    REPLAY = "staff.webhook:replay", "Process dead and quarantined events again", SUPPORT_STAFF
