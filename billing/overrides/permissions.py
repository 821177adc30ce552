from insula.access import ALL_STAFF, SUPERUSERS, Permission


class Action(Permission):
    """Permissions of staff on entitlement overrides."""

    READ = "staff.override:read", "See tenants' entitlement overrides", ALL_STAFF
    WRITE = "staff.override:write", "Set and lift tenants' entitlement overrides", SUPERUSERS
