from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of tickets."""

    CREATED = "ticket.created"
    ANSWERED = "ticket.answered"
