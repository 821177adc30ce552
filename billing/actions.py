"""What a tenant's people may do with its money, and which built-in role may."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from insula.policy import Permission, Role


class Action(Permission):
    """Permissions of the billing app, as ``resource:verb``, and what they let people do."""

    PLAN_READ = "plan:read", "See the plans on offer"
    SUBSCRIPTION_READ = "subscription:read", "See the tenant's subscription"
    ENTITLEMENT_READ = "entitlement:read", "See what the tenant's plan grants"


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
