from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about the platform's own OAuth clients."""

    CREATED = "first_party_client.created"
    UPDATED = "first_party_client.updated"
    ROTATED = "first_party_client.rotated"
    REVOKED = "first_party_client.revoked"
