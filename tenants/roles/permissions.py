from insula.access import ADMINS, GrantedTo, Permission


class Action(Permission):
    """Permissions on roles."""

    READ = "role:read", "See roles and the permissions that they can have", ADMINS, GrantedTo.PEOPLE
    CREATE = "role:create", "Define roles, with at most one's own permissions", ADMINS, GrantedTo.PEOPLE
    UPDATE = "role:update", "Change roles, with at most one's own permissions", ADMINS, GrantedTo.PEOPLE
    DELETE = "role:delete", "Delete roles that nobody has", ADMINS, GrantedTo.PEOPLE
