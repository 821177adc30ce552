from insula.access import MEMBERS, VIEWERS, Permission


class Action(Permission):
    """What callers may do with books."""

    READ = "book:read", "See books", VIEWERS
    CREATE = "book:create", "Create books", MEMBERS
    UPDATE = "book:update", "Change, move and assign books", MEMBERS
    DELETE = "book:delete", "Delete books", MEMBERS
