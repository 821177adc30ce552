from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about OAuth clients."""

    CREATED = "oauth_client.created"
    UPDATED = "oauth_client.updated"
    ROTATED = "oauth_client.rotated"
    REVOKED = "oauth_client.revoked"
