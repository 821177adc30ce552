from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of invitations."""

    CREATED = "invitation.created"
    RESENT = "invitation.resent"
    ACCEPTED = "invitation.accepted"
    REVOKED = "invitation.revoked"
