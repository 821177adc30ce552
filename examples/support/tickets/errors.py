from insula.core.errors import AppError, NotFound, Retry


class MemberNotFound(NotFound):
    """No member of this tenant has this id."""

    code = "member_not_found"
    meaning = "A ticket can be opened only for a member of the tenant."
    cure = "Reload the list of members, and choose again."
    retry = Retry.NO


class TicketAnswered(AppError):
    """This ticket already has an answer."""

    code, status = "ticket_answered", 409
    meaning = "A ticket gets one answer."
    cure = "Reload the ticket, and open another one for a further question."
    retry = Retry.NO
