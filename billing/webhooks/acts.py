from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records when the payment provider's events change something."""

    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_UPDATED = "subscription.updated"
    PLAN_CHANGED = "tenant.plan_changed"
