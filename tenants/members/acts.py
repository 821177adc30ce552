from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about members."""

    ROLE_CHANGED = "member.role_changed"
    REMOVED = "member.removed"
    LEFT = "member.left"
    OWNERSHIP_TRANSFERRED = "ownership.transferred"
