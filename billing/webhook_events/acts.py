from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of the payment provider's events."""

    REPLAYED = "webhook_event.replayed"
