from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about tenants."""

    SUSPENDED = "tenant.suspended"
    REACTIVATED = "tenant.reactivated"
