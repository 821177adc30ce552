from insula.audit import AuditAction


class Act(AuditAction):
    """What the audit log says of the staff."""

    APPOINTED = "staff.appointed"
    ROLE_CHANGED = "staff.role_changed"
    DISMISSED = "staff.dismissed"
