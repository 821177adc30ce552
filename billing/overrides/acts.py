from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of overrides."""

    SET = "entitlement_override.set"
    LIFTED = "entitlement_override.lifted"
    EXPIRED = "entitlement_override.expired"
