from insula.core.errors import AppError


class JobSettled(AppError):
    """What the job is at does not allow this."""

    code, status = "job_settled", 409


class JobQueuedAgain(AppError):
    """Another job that stands for the same work waits already."""

    code, status = "job_queued_again", 409
