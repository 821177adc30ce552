from insula.audit import AuditAction


class Act(AuditAction):
    """Acts that the audit log records about the staff."""

    APPOINTED = "staff.appointed"
    ROLE_CHANGED = "staff.role_changed"
    DISMISSED = "staff.dismissed"
