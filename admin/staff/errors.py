from insula.core.errors import AppError


class AlreadyStaff(AppError):
    """This user is among the staff already."""

    code, status = "already_staff", 409


class OwnStaffRole(AppError):
    """Nobody changes or ends their own place among the staff."""

    code, status = "own_staff_role", 409


class LastSuperuser(AppError):
    """The last active superuser stays."""

    code, status = "last_superuser", 409


class StaffProtected(AppError):
    """Only a superuser may act on a member of the staff."""

    code, status = "staff_protected", 403
