from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of items."""

    CREATED = "item.created"
    ITEMS_CREATED = "items.created"
    UPDATED = "item.updated"
    DELETED = "item.deleted"
