from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about users' logins."""

    REVOKED = "session.revoked"
