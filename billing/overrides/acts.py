from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about overrides."""

    SET = "entitlement_override.set"
    LIFTED = "entitlement_override.lifted"
    EXPIRED = "entitlement_override.expired"
