from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about invitations."""

    CREATED = "invitation.created"
    RESENT = "invitation.resent"
    ACCEPTED = "invitation.accepted"
    REVOKED = "invitation.revoked"
