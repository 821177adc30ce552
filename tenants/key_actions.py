"""What API keys can be given to do."""

from itertools import chain
from typing import Final

import billing.api
from tenants.actions import FOR_PEOPLE, GRANTS

KEY_ACTIONS: Final = frozenset(map(str, chain(*GRANTS.values(), *billing.api.GRANTS.values()))) - FOR_PEOPLE
"""Every action of a tenant's roles, in this app and in billing, that is not for people alone."""


def grantable_by(role: str) -> frozenset[str]:
    """Return the actions that a member with ``role`` may give to a key: none that the role lacks."""
    own = GRANTS.get(role, frozenset()) | billing.api.GRANTS.get(role, frozenset())
    return KEY_ACTIONS & frozenset(map(str, own))
