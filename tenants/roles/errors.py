from insula.core.errors import AppError, Forbidden


class Outranked(Forbidden):
    """This member or this role stands above your own."""

    code = "outranked"


class RoleUnknown(AppError):
    """No role of this name is built in, and the tenant has none."""

    code, status = "role_unknown", 422


class RoleKeyTaken(AppError):
    """Another role of this tenant has this key."""

    code, status = "role_key_taken", 409


class RolesUsedUp(AppError):
    """This tenant has as many roles of its own as it may."""

    code, status = "roles_used_up", 409


class RoleInUse(AppError):
    """Members have this role, or are invited to it."""

    code, status = "role_in_use", 409
