"""What a tenant's people may do with its money, and which built-in role may."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from insula.policy import Role


class Action(StrEnum):
    """Permissions of the billing app, as ``resource:verb``."""

    PLAN_READ = "plan:read"
    SUBSCRIPTION_READ = "subscription:read"
    ENTITLEMENT_READ = "entitlement:read"


_EVERYTHING: Final = frozenset(Action)
_OFFER_ONLY: Final = frozenset({Action.PLAN_READ})

GRANTS: Final[Mapping[str, frozenset[Action]]] = MappingProxyType(
    {
        Role.OWNER: _EVERYTHING,
        Role.ADMIN: _EVERYTHING,
        Role.BILLING_MANAGER: _EVERYTHING,
        Role.MEMBER: _OFFER_ONLY,
        Role.VIEWER: _OFFER_ONLY,
    }
)
