from insula.access import ALL_STAFF, SUPERUSERS, Permission


class Action(Permission):
    """What staff may do with entitlement overrides."""

    READ = "staff.override:read", "See tenants' entitlement overrides", ALL_STAFF
    WRITE = "staff.override:write", "Set and lift tenants' entitlement overrides", SUPERUSERS
