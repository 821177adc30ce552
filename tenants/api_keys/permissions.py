from insula.access import ADMINS, GrantedTo, Permission


class Action(Permission):
    """Permissions on API keys. No API key can make or change another."""

    READ = "api_key:read", "See API keys, not their secrets", ADMINS, GrantedTo.PEOPLE
    CREATE = "api_key:create", "Make API keys", ADMINS, GrantedTo.PEOPLE
    UPDATE = "api_key:update", "Rename API keys", ADMINS, GrantedTo.PEOPLE
    LIMIT = "api_key:limit", "Set how many requests API keys may make", ADMINS, GrantedTo.PEOPLE
    ROTATE = "api_key:rotate", "Give API keys new secrets", ADMINS, GrantedTo.PEOPLE
    REVOKE = "api_key:revoke", "Revoke API keys", ADMINS, GrantedTo.PEOPLE
