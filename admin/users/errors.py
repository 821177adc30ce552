from insula.core.errors import AppError, NotFound, Retry


class OwnSuspension(AppError):
    """Staff cannot suspend themselves."""

    code, status = "own_suspension", 409
    meaning = "Staff who suspended themselves could not undo it."
    cure = "Let another member of the staff do it."
    retry = Retry.NO


class UserMissing(NotFound):
    """There is no such user."""

    code = "user_not_found"
    meaning = "No user has this id or email address."
    cure = "Check the id or the address; a person has a user only after registering."
    retry = Retry.NO


class UserUnfit(AppError):
    """This user is suspended, or has not verified their address."""

    code, status = "user_unfit", 409
    meaning = "The user must be active and have a verified email address for this."
    cure = "Reactivate the user, or ask them to verify their address; then try again."
    retry = Retry.NO
