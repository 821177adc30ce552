from insula.core.errors import AppError, Retry


class RackNameTaken(AppError):
    """Another rack of this tenant has this name."""

    code, status = "rack_name_taken", 409
    meaning = "The name of a rack is unique in its tenant."
    cure = "Ask the user for another name."
    retry = Retry.NO
