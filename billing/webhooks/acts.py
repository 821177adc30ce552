from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of what the payment provider's events change."""

    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_UPDATED = "subscription.updated"
    PLAN_CHANGED = "tenant.plan_changed"
