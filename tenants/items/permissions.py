from insula.access import MEMBERS, VIEWERS, Permission


class Action(Permission):
    """Permissions on items."""

    READ = "item:read", "See items", VIEWERS
    CREATE = "item:create", "Create items", MEMBERS
    UPDATE = "item:update", "Change, move and assign items", MEMBERS
    DELETE = "item:delete", "Delete items", MEMBERS
