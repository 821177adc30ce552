from insula.access import Permission


class Action(Permission):
    """What callers may do with their own account: personal, so no role grants it."""

    READ = "me:read"
    UPDATE = "me:update"
