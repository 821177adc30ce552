from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of roles."""

    CREATED = "role.created"
    UPDATED = "role.updated"
    DELETED = "role.deleted"
