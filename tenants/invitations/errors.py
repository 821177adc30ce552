from insula.core.errors import AppError, NotFound, Retry


class AlreadyMember(AppError):
    """This person is a member of the tenant already."""

    code, status = "already_member", 409
    meaning = "The person with this email address is a member of the tenant."
    cure = "Change the member's role instead of inviting the person."
    retry = Retry.NO


class AlreadyInvited(AppError):
    """An invitation to this address is pending."""

    code, status = "already_invited", 409
    meaning = "The tenant has an open invitation for this email address."
    cure = "Send the open invitation again, or revoke it and create another one."
    retry = Retry.NO


class InvitationSettled(AppError):
    """This invitation has been accepted or revoked."""

    code, status = "invitation_settled", 409
    meaning = "Only an open invitation can be sent again or revoked."
    cure = "Reload the list of invitations."
    retry = Retry.NO


class InvitationInvalid(NotFound):
    """This invitation is not for you, or no longer valid."""

    code = "invitation_invalid"
    meaning = (
        "The invitation was used, revoked or has expired; it was sent to another email address than that of your "
        "account; or the person who sent it may no longer invite you."
    )
    cure = "Sign in with the address to which the invitation was sent, or ask for another invitation."
    retry = Retry.NO


class SeatsExhausted(AppError):
    """Every seat of the plan is taken; pending invitations count."""

    code, status = "seats_exhausted", 409
    meaning = "Members and open invitations together take every seat of the plan."
    cure = "Remove a member, revoke an open invitation, or choose a plan with more seats."
    retry = Retry.NO


class TooManyInvitations(AppError):
    """Too many invitations to this address, by you or by your tenant, or too many attempts to accept one."""

    code, status = "too_many_invitations", 429
    meaning = (
        "The number of emails to one address, and of attempts to accept an invitation, is limited, so that nobody's "
        "mailbox is flooded and no link is guessed."
    )
    cure = "Wait for the seconds in Retry-After."
    retry = Retry.WAIT
