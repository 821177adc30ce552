from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of users' logins."""

    REVOKED = "session.revoked"
