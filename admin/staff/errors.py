from insula.core.errors import AppError


class AlreadyStaff(AppError):
    """This user is already a member of the staff."""

    code, status = "already_staff", 409


class OwnStaffRole(AppError):
    """Staff cannot change or remove their own role."""

    code, status = "own_staff_role", 409


class LastSuperuser(AppError):
    """The last active superuser cannot be removed, demoted or suspended."""

    code, status = "last_superuser", 409


class StaffProtected(AppError):
    """Only a superuser may act on a member of the staff."""

    code, status = "staff_protected", 403
