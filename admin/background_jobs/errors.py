from insula.core.errors import AppError


class JobSettled(AppError):
    """The job's status does not allow this."""

    code, status = "job_settled", 409


class JobQueuedAgain(AppError):
    """Another job for the same work is already waiting."""

    code, status = "job_queued_again", 409
