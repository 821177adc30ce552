from insula.access import Permission


class Action(Permission):
    """Permissions on the caller's own account. They are personal: no role grants them."""

    READ = "me:read"
    UPDATE = "me:update"
