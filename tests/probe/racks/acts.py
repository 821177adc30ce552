from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of racks."""

    CREATED = "rack.created"
    UPDATED = "rack.updated"
    DELETED = "rack.deleted"
