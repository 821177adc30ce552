from insula.access import MEMBERS, VIEWERS, Permission


class Action(Permission):
    """What callers may do with items."""

    READ = "item:read", "See items", VIEWERS
    CREATE = "item:create", "Create items", MEMBERS
    UPDATE = "item:update", "Change, move and assign items", MEMBERS
    DELETE = "item:delete", "Delete items", MEMBERS
