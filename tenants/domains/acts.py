from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about domains."""

    ADDED = "domain.added"
    VERIFIED = "domain.verified"
    LOST = "domain.lost"
    REMOVED = "domain.removed"
