from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about jobs."""

    RETRIED = "job.retried"
    CANCELLED = "job.cancelled"
