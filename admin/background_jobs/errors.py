from insula.core.errors import AppError, Retry


class JobSettled(AppError):
    """The job's status does not allow this."""

    code, status = "job_settled", 409
    meaning = (
        "A job that has succeeded or was cancelled is over: it can be neither run again nor cancelled. A running job "
        "cannot be run a second time."
    )
    cure = "Reload the job, and look at its status."
    retry = Retry.NO


class JobQueuedAgain(AppError):
    """Another job for the same work is already waiting."""

    code, status = "job_queued_again", 409
    meaning = "The same work is in the queue already, and runs once."
    cure = "Wait for the job that is in the queue."
    retry = Retry.NO
