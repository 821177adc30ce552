from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about projects."""

    CREATED = "project.created"
    UPDATED = "project.updated"
    DELETED = "project.deleted"
