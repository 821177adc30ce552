from insula.access import ADMINS, EVERYBODY, Permission


class Action(Permission):
    """What callers may do with tenants. Every signed-in user may create one: that is personal."""

    CREATE = "tenant:create"
    READ = "tenant:read", "See the tenant and its plan", EVERYBODY
    UPDATE = "tenant:update", "Change the tenant's name, slug, time zone and locale", ADMINS
