"""What staff may do over all tenants, and which staff role may."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from insula.policy import StaffRole


class Action(StrEnum):
    """Permissions of the admin app, as ``staff.resource:verb``: no tenant role ever holds one."""

    TENANT_READ = "staff.tenant:read"
    TENANT_CREATE = "staff.tenant:create"
    TENANT_SUSPEND = "staff.tenant:suspend"
    TENANT_REACTIVATE = "staff.tenant:reactivate"
    OVERRIDE_READ = "staff.override:read"
    OVERRIDE_WRITE = "staff.override:write"
    USER_READ = "staff.user:read"
    USER_SUSPEND = "staff.user:suspend"
    USER_REACTIVATE = "staff.user:reactivate"
    SESSION_READ = "staff.session:read"
    SESSION_REVOKE = "staff.session:revoke"
    STAFF_READ = "staff.staff:read"
    STAFF_APPOINT = "staff.staff:appoint"
    STAFF_UPDATE = "staff.staff:update"
    STAFF_DISMISS = "staff.staff:dismiss"
    AUDIT_READ = "staff.audit:read"
    JOB_READ = "staff.job:read"
    JOB_RETRY = "staff.job:retry"
    JOB_CANCEL = "staff.job:cancel"
    WEBHOOK_READ = "staff.webhook:read"
    WEBHOOK_REPLAY = "staff.webhook:replay"


_READ: Final = frozenset(
    {
        Action.TENANT_READ,
        Action.OVERRIDE_READ,
        Action.USER_READ,
        Action.SESSION_READ,
        Action.STAFF_READ,
        Action.AUDIT_READ,
        Action.JOB_READ,
        Action.WEBHOOK_READ,
    }
)
# What stops harm or finishes what is stuck; what gives anybody more is a superuser's.
_HELP: Final = frozenset(
    {
        Action.TENANT_SUSPEND,
        Action.USER_SUSPEND,
        Action.SESSION_REVOKE,
        Action.JOB_RETRY,
        Action.JOB_CANCEL,
        Action.WEBHOOK_REPLAY,
    }
)

GRANTS: Final[Mapping[str, frozenset[Action]]] = MappingProxyType(
    {
        StaffRole.SUPERUSER: frozenset(Action),
        StaffRole.SUPPORT: _READ | _HELP,
        StaffRole.AUDITOR: _READ,
    }
)
