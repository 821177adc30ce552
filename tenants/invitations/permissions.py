from insula.access import ADMINS, GrantedTo, Permission


class Action(Permission):
    """Permissions on invitations. ``ACCEPT`` is personal: every signed-in user has it."""

    READ = "invitation:read", "See invitations", ADMINS
    CREATE = "invitation:create", "Invite people", ADMINS, GrantedTo.PEOPLE
    UPDATE = "invitation:update", "Send invitations again", ADMINS, GrantedTo.PEOPLE
    DELETE = "invitation:delete", "Revoke invitations", ADMINS, GrantedTo.PEOPLE
    ACCEPT = "invitation:accept"
