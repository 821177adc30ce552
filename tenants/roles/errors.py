from insula.core.errors import AppError, Forbidden


class Outranked(Forbidden):
    """This member or role has permissions that your own role lacks."""

    code = "outranked"


class RoleUnknown(AppError):
    """No built-in role and no custom role of the tenant has this name."""

    code, status = "role_unknown", 422


class RoleKeyTaken(AppError):
    """Another role of this tenant has this key."""

    code, status = "role_key_taken", 409


class RolesUsedUp(AppError):
    """This tenant has as many custom roles as it can have."""

    code, status = "roles_used_up", 409


class RoleInUse(AppError):
    """Members have this role, or open invitations name it."""

    code, status = "role_in_use", 409
