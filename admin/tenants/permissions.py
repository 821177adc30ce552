from insula.access import ALL_STAFF, SUPERUSERS, SUPPORT_STAFF, Permission


class Action(Permission):
    """Permissions of staff on tenants."""

    READ = "staff.tenant:read", "See every tenant", ALL_STAFF
    CREATE = "staff.tenant:create", "Create tenants for users", SUPERUSERS
    SUSPEND = "staff.tenant:suspend", "Suspend tenants", SUPPORT_STAFF
    REACTIVATE = "staff.tenant:reactivate", "Serve suspended tenants again", SUPERUSERS
