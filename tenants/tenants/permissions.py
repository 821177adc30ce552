from insula.access import ADMINS, EVERYBODY, Permission


class Action(Permission):
    """Permissions on tenants. ``CREATE`` is personal: every signed-in user has it."""

    CREATE = "tenant:create"
    READ = "tenant:read", "See the tenant and its plan", EVERYBODY
    UPDATE = "tenant:update", "Change the tenant's name, slug, time zone and locale", ADMINS
