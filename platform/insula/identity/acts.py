"""The audit actions on accounts and their sessions."""

from insula.audit import AuditAction


class UserAct(AuditAction):
    """The audit actions on accounts."""

    REGISTERED = "user.registered"
    REGISTRATION_REPEATED = "user.registration_repeated"
    VERIFICATION_REQUESTED = "user.verification_requested"
    VERIFIED = "user.verified"
    PASSWORD_RESET_REQUESTED = "user.password_reset_requested"  # noqa: S105  # an act, no password
    PASSWORD_RESET = "user.password_reset"  # noqa: S105  # likewise
    PASSWORD_CHANGED = "user.password_changed"  # noqa: S105  # likewise
    UPDATED = "user.updated"


class SessionAct(AuditAction):
    """The audit actions on sessions."""

    OPENED = "session.opened"
    CLOSED = "session.closed"
    REVOKED = "session.revoked"
    REUSE_REVOKED = "session.reuse_revoked"


class ConsentAct(AuditAction):
    """The audit actions on users' consents to OAuth clients."""

    GIVEN = "oauth_consent.given"
    WITHDRAWN = "oauth_consent.withdrawn"
