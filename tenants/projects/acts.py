from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of projects."""

    CREATED = "project.created"
    UPDATED = "project.updated"
    DELETED = "project.deleted"
