from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about racks."""

    CREATED = "rack.created"
    UPDATED = "rack.updated"
    DELETED = "rack.deleted"
