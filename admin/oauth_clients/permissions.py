from insula.access import ALL_STAFF, SUPERUSERS, Permission


class Action(Permission):
    """Permissions of staff on the platform's own OAuth clients."""

    READ = "staff.oauth_client:read", "See the platform's OAuth clients", ALL_STAFF
    CREATE = "staff.oauth_client:create", "Register OAuth clients of the platform", SUPERUSERS
    UPDATE = "staff.oauth_client:update", "Change the platform's OAuth clients", SUPERUSERS
    ROTATE = "staff.oauth_client:rotate", "Give the platform's OAuth clients new secrets", SUPERUSERS
    REVOKE = "staff.oauth_client:revoke", "Revoke OAuth clients of the platform", SUPERUSERS
