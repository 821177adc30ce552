from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of users."""

    SUSPENDED = "user.suspended"
    REACTIVATED = "user.reactivated"
