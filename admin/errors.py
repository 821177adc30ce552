"""What staff may run into, named by the fact."""

from insula.errors import AppError, NotFound


class OwnSuspension(AppError):
    """Staff cannot suspend themselves."""

    code, status = "own_suspension", 409


class LastSuperuser(AppError):
    """The last active superuser stays."""

    code, status = "last_superuser", 409


class StaffProtected(AppError):
    """Only a superuser may act on a member of the staff."""

    code, status = "staff_protected", 403


class OwnStaffRole(AppError):
    """Nobody changes or ends their own place among the staff."""

    code, status = "own_staff_role", 409


class AlreadyStaff(AppError):
    """This user is among the staff already."""

    code, status = "already_staff", 409


class UserMissing(NotFound):
    """There is no such user."""

    code = "user_not_found"


class UserUnfit(AppError):
    """This user is suspended, or has not verified their address."""

    code, status = "user_unfit", 409


class JobSettled(AppError):
    """What the job is at does not allow this."""

    code, status = "job_settled", 409


class JobQueuedAgain(AppError):
    """Another job that stands for the same work waits already."""

    code, status = "job_queued_again", 409
