from insula.access import ALL_STAFF, SUPERUSERS, Permission


class Action(Permission):
    """What staff may do with entitlement overrides."""

    READ = "staff.override:read", "See what tenants are granted in place of their plan", ALL_STAFF
    WRITE = "staff.override:write", "Grant tenants more or less than their plan, and lift it again", SUPERUSERS
