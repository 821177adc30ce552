"""What a caller of this app can get wrong, beyond the kernel's errors."""

from insula.errors import AppError, Forbidden, NotFound


class SlugTaken(AppError):
    """Another tenant has this slug, or had it."""

    code, status = "slug_taken", 409


class ProjectNameTaken(AppError):
    """Another project of this tenant has this name."""

    code, status = "project_name_taken", 409


class QuotaExceeded(AppError):
    """The plan's quota for this resource is used up."""

    code, status = "quota_exceeded", 409


class AssigneeNotFound(NotFound):
    """No member of this tenant has the assignee's id."""

    code = "assignee_not_found"


class LastOwner(AppError):
    """A tenant keeps at least one owner."""

    code, status = "last_owner", 409


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


class AlreadyOwner(AppError):
    """This member is an owner already."""

    code, status = "already_owner", 409


class AlreadyMember(AppError):
    """This person is a member of the tenant already."""

    code, status = "already_member", 409


class AlreadyInvited(AppError):
    """An invitation to this address is pending."""

    code, status = "already_invited", 409


class InvitationSettled(AppError):
    """This invitation has been accepted or revoked."""

    code, status = "invitation_settled", 409


class InvitationInvalid(NotFound):
    """This invitation is not for you, or no longer good."""

    code = "invitation_invalid"


class SeatsExhausted(AppError):
    """Every seat of the plan is taken; pending invitations count."""

    code, status = "seats_exhausted", 409


class TooManyInvitations(AppError):
    """Too many invitations were sent, or tried: to this address, by you, or by your tenant."""

    code, status = "too_many_invitations", 429


class TooManyTransfers(AppError):
    """Too many mails about ownership were sent to this member, or too many mails by you."""

    code, status = "too_many_transfers", 429


class ActionNotYours(Forbidden):
    """An API key can only be given actions that your own role has."""

    code = "action_not_yours"


class ApiKeyDead(AppError):
    """This API key was revoked or has expired."""

    code, status = "api_key_dead", 409


class RateAboveTenants(AppError):
    """An API key may make no more requests a minute than its tenant."""

    code, status = "rate_above_tenants", 422


class SlugsUsedUp(AppError):
    """This tenant has had as many slugs as it may."""

    code, status = "slugs_used_up", 409


class TenantsUsedUp(AppError):
    """You own as many tenants as one person may."""

    code, status = "tenants_used_up", 409


class TooManyTenants(AppError):
    """You made as many tenants as one person may within a day."""

    code, status = "too_many_tenants", 429


class DomainExists(AppError):
    """This tenant has claimed the host already."""

    code, status = "domain_exists", 409


class HostReserved(AppError):
    """This host name belongs to the installation."""

    code, status = "host_reserved", 422


class DomainNotProved(AppError):
    """The DNS does not show the proof for this host."""

    code, status = "domain_not_proved", 409
