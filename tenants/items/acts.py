from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about items."""

    CREATED = "item.created"
    ITEMS_CREATED = "items.created"
    UPDATED = "item.updated"
    DELETED = "item.deleted"
