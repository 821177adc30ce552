from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about tickets."""

    CREATED = "ticket.created"
    ANSWERED = "ticket.answered"
