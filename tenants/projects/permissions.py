from insula.access import ADMINS, MEMBERS, VIEWERS, Permission


class Action(Permission):
    """Permissions on projects."""

    READ = "project:read", "See projects", VIEWERS
    CREATE = "project:create", "Create projects", MEMBERS
    UPDATE = "project:update", "Change and archive projects", MEMBERS
    DELETE = "project:delete", "Delete projects, with their items", ADMINS
