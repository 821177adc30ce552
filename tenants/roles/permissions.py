from insula.access import ADMINS, GrantedTo, Permission


class Action(Permission):
    """What callers may do with roles."""

    READ = "role:read", "See roles, and what they may be given", ADMINS, GrantedTo.PEOPLE
    CREATE = "role:create", "Define roles, of permissions that one has", ADMINS, GrantedTo.PEOPLE
    UPDATE = "role:update", "Change roles, of permissions that one has", ADMINS, GrantedTo.PEOPLE
    DELETE = "role:delete", "Delete roles that nobody has", ADMINS, GrantedTo.PEOPLE
