"""What the audit log says of accounts and their sessions."""

from insula.audit import AuditAction


class UserAct(AuditAction):
    """What the audit log says of accounts."""

    REGISTERED = "user.registered"
    REGISTRATION_REPEATED = "user.registration_repeated"
    VERIFICATION_REQUESTED = "user.verification_requested"
    VERIFIED = "user.verified"
    PASSWORD_RESET_REQUESTED = "user.password_reset_requested"  # noqa: S105  # an act, no password
    PASSWORD_RESET = "user.password_reset"  # noqa: S105  # likewise
    PASSWORD_CHANGED = "user.password_changed"  # noqa: S105  # likewise
    UPDATED = "user.updated"


class SessionAct(AuditAction):
    """What the audit log says of sessions."""

    OPENED = "session.opened"
    CLOSED = "session.closed"
    REVOKED = "session.revoked"
    REUSE_REVOKED = "session.reuse_revoked"
