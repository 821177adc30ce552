from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about roles."""

    CREATED = "role.created"
    UPDATED = "role.updated"
    DELETED = "role.deleted"
