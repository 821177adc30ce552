from insula.core.errors import AppError, NotFound


class OwnSuspension(AppError):
    """Staff cannot suspend themselves."""

    code, status = "own_suspension", 409


class UserMissing(NotFound):
    """There is no such user."""

    code = "user_not_found"


class UserUnfit(AppError):
    """This user is suspended, or has not verified their address."""

    code, status = "user_unfit", 409
