from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of the tenant."""

    CREATED = "tenant.created"
    UPDATED = "tenant.updated"
    SLUG_CHANGED = "tenant.slug_changed"
