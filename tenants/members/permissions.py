from insula.access import ADMINS, EVERYBODY, OWNERS, VIEWERS, GrantedTo, Permission


class Action(Permission):
    """Permissions on members, and on the ownership of the tenant."""

    READ = "member:read", "See the tenant's members and their roles", VIEWERS
    UPDATE = "member:update", "Give members other roles", ADMINS, GrantedTo.PEOPLE
    DELETE = "member:delete", "Remove members", ADMINS, GrantedTo.PEOPLE
    LEAVE = "member:leave", "Leave the tenant", EVERYBODY, GrantedTo.PEOPLE
    TRANSFER_OWNERSHIP = "ownership:transfer", "Transfer the ownership", OWNERS, GrantedTo.PEOPLE
