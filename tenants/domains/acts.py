from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of domains."""

    ADDED = "domain.added"
    VERIFIED = "domain.verified"
    LOST = "domain.lost"
    REMOVED = "domain.removed"
