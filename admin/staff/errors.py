from insula.core.errors import AppError, Retry


class AlreadyStaff(AppError):
    """This user is already a member of the staff."""

    code, status = "already_staff", 409
    meaning = "The user has a staff role already."
    cure = "Change the role instead of adding the user."
    retry = Retry.NO


class OwnStaffRole(AppError):
    """Staff cannot change or remove their own role."""

    code, status = "own_staff_role", 409
    meaning = "Staff who change their own role could give themselves more permissions, or lock themselves out."
    cure = "Let another superuser do it."
    retry = Retry.NO


class LastSuperuser(AppError):
    """The last active superuser cannot be removed, demoted or suspended."""

    code, status = "last_superuser", 409
    meaning = "Without an active superuser nobody could manage the staff."
    cure = "Make another user a superuser first."
    retry = Retry.NO


class StaffProtected(AppError):
    """Only a superuser may act on a member of the staff."""

    code, status = "staff_protected", 403
    meaning = "The user is a member of the staff, and your staff role is not superuser."
    cure = "Let a superuser do it."
    retry = Retry.NO
