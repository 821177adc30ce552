from insula.core.errors import AppError, NotFound


class MemberNotFound(NotFound):
    """No member of this tenant has this id."""

    code = "member_not_found"


class TicketAnswered(AppError):
    """This ticket already has an answer."""

    code, status = "ticket_answered", 409
