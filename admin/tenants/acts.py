from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of tenants."""

    SUSPENDED = "tenant.suspended"
    REACTIVATED = "tenant.reactivated"
