"""What staff may run into, named by the fact."""

from insula.errors import AppError


class OwnSuspension(AppError):
    """Staff cannot suspend themselves."""

    code, status = "own_suspension", 409


class LastSuperuser(AppError):
    """The last active superuser cannot be suspended."""

    code, status = "last_superuser", 409


class StaffProtected(AppError):
    """Only a superuser may suspend or reactivate a member of the staff."""

    code, status = "staff_protected", 403
