from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about users."""

    SUSPENDED = "user.suspended"
    REACTIVATED = "user.reactivated"
