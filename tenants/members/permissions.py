from insula.access import ADMINS, EVERYBODY, OWNERS, VIEWERS, GrantedTo, Permission


class Action(Permission):
    """What callers may do with members, and with the ownership of the tenant."""

    READ = "member:read", "See who belongs to the tenant, and as what", VIEWERS
    UPDATE = "member:update", "Give members other roles", ADMINS, GrantedTo.PEOPLE
    DELETE = "member:delete", "Remove members", ADMINS, GrantedTo.PEOPLE
    LEAVE = "member:leave", "Leave the tenant", EVERYBODY, GrantedTo.PEOPLE
    TRANSFER_OWNERSHIP = "ownership:transfer", "Hand the ownership on", OWNERS, GrantedTo.PEOPLE
