from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of jobs."""

    RETRIED = "job.retried"
    CANCELLED = "job.cancelled"
