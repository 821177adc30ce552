from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of members."""

    ROLE_CHANGED = "member.role_changed"
    REMOVED = "member.removed"
    LEFT = "member.left"
    OWNERSHIP_TRANSFERRED = "ownership.transferred"
