from insula.access import ADMINS, MEMBERS, VIEWERS, Permission


class Action(Permission):
    """Permissions on racks."""

    READ = "rack:read", "See racks", VIEWERS
    CREATE = "rack:create", "Create racks", MEMBERS
    UPDATE = "rack:update", "Change and archive racks", MEMBERS
    DELETE = "rack:delete", "Delete racks, with their books", ADMINS
