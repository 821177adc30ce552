from insula.access import MEMBERS, VIEWERS, Permission


class Action(Permission):
    """Permissions on books."""

    READ = "book:read", "See books", VIEWERS
    CREATE = "book:create", "Create books", MEMBERS
    UPDATE = "book:update", "Change, move and assign books", MEMBERS
    DELETE = "book:delete", "Delete books", MEMBERS
