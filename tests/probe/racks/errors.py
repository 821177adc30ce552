from insula.core.errors import AppError


class RackNameTaken(AppError):
    """Another rack of this tenant has this name."""

    code, status = "rack_name_taken", 409
