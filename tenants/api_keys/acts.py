from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about API keys."""

    CREATED = "api_key.created"
    UPDATED = "api_key.updated"
    ROTATED = "api_key.rotated"
    REVOKED = "api_key.revoked"
