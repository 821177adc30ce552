from insula.access import ADMINS, Permission


class Action(Permission):
    """Permissions on the tenant's own host names."""

    READ = "domain:read", "See the tenant's own host names", ADMINS
    CREATE = "domain:create", "Claim host names for the tenant", ADMINS
    VERIFY = "domain:verify", "Check the proof of a host name", ADMINS
    DELETE = "domain:delete", "Remove host names", ADMINS
