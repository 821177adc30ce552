from insula.access import ADMINS, GrantedTo, Permission


class Action(Permission):
    """Permissions on OAuth clients. No API key and no client can make or change a client."""

    READ = "oauth_client:read", "See OAuth clients, not their secrets", ADMINS, GrantedTo.PEOPLE
    CREATE = "oauth_client:create", "Register OAuth clients", ADMINS, GrantedTo.PEOPLE
    UPDATE = "oauth_client:update", "Change OAuth clients", ADMINS, GrantedTo.PEOPLE
    ROTATE = "oauth_client:rotate", "Give OAuth clients new secrets", ADMINS, GrantedTo.PEOPLE
    REVOKE = "oauth_client:revoke", "Revoke OAuth clients, and users' consents to them", ADMINS, GrantedTo.PEOPLE
