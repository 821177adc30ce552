from insula.access import Permission


class Action(Permission):
    """What callers may do with their own account. These permissions are personal: no role grants them."""

    READ = "me:read"
    UPDATE = "me:update"
