from insula.core.errors import AppError


class EventNotFound(AppError):
    """No webhook event with this id is stored."""

    code, status = "not_found", 404
