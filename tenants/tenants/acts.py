from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about the tenant."""

    CREATED = "tenant.created"
    UPDATED = "tenant.updated"
    SLUG_CHANGED = "tenant.slug_changed"
