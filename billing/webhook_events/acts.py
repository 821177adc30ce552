from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about the payment provider's events."""

    REPLAYED = "webhook_event.replayed"
