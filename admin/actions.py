"""What staff may do over all tenants, and which staff role may."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from insula.policy import StaffRole


class Action(StrEnum):
    """Permissions of the admin app, as ``staff.resource:verb``: no tenant role ever holds one."""

    TENANT_READ = "staff.tenant:read"
    TENANT_SUSPEND = "staff.tenant:suspend"
    TENANT_REACTIVATE = "staff.tenant:reactivate"
    USER_READ = "staff.user:read"
    USER_SUSPEND = "staff.user:suspend"
    USER_REACTIVATE = "staff.user:reactivate"


_READ: Final = frozenset({Action.TENANT_READ, Action.USER_READ})
_SUSPEND: Final = frozenset({Action.TENANT_SUSPEND, Action.USER_SUSPEND})

GRANTS: Final[Mapping[str, frozenset[Action]]] = MappingProxyType(
    {
        StaffRole.SUPERUSER: frozenset(Action),
        StaffRole.SUPPORT: _READ | _SUSPEND,
        StaffRole.AUDITOR: _READ,
    }
)
