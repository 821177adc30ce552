from insula.core.errors import AppError, NotFound


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
    """This invitation is not for you, or no longer valid."""

    code = "invitation_invalid"


class SeatsExhausted(AppError):
    """Every seat of the plan is taken; pending invitations count."""

    code, status = "seats_exhausted", 409


class TooManyInvitations(AppError):
    """Too many invitations to this address, by you or by your tenant, or too many attempts to accept one."""

    code, status = "too_many_invitations", 429
