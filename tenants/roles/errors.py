from insula.core.errors import AppError, Forbidden, Retry


class Outranked(Forbidden):
    """This member or role has permissions that your own role lacks."""

    code = "outranked"
    meaning = (
        "Nobody can manage a member or a role with more permissions than their own. The detail may list the "
        "permissions that your role lacks."
    )
    cure = "Let a member with these permissions do it."
    retry = Retry.NO


class RoleUnknown(AppError):
    """No built-in role and no custom role of the tenant has this name."""

    code, status = "role_unknown", 422
    meaning = "The role is neither owner, admin, member or viewer nor the key of a custom role of this tenant."
    cure = "Choose a role from GET /api/v1/roles."
    retry = Retry.NO


class RoleKeyTaken(AppError):
    """Another role of this tenant has this key."""

    code, status = "role_key_taken", 409
    meaning = "The key of a role is unique in its tenant, and the keys of built-in roles are reserved."
    cure = "Choose another key."
    retry = Retry.NO


class RolesUsedUp(AppError):
    """This tenant has as many custom roles as it can have."""

    code, status = "roles_used_up", 409
    meaning = "The number of custom roles of a tenant is limited."
    cure = "Delete a role that nobody has, or change an existing one."
    retry = Retry.NO


class RoleInUse(AppError):
    """Members have this role, or open invitations name it."""

    code, status = "role_in_use", 409
    meaning = "A role can be deleted only when nobody has it. The detail counts the members and open invitations."
    cure = "Give those members another role and revoke those invitations, then delete the role."
    retry = Retry.NO
