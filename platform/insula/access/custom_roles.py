"""Decisions for roles that tenants define. Such a role is the set of its permissions, whoever's it is.

So nothing here grows with the number of tenants but the sets that are in use: equal sets are decided
once, and those not asked about for longest are forgotten.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Final

from insula.access.engine import Engine

REMEMBERED: Final = 20_000  # sets of permissions, as many as the directory remembers callers
_OWN: Final = "own"


class OwnRoles:
    """Grants at most what is ``assignable``, whatever a stored role says."""

    def __init__(self, assignable: Collection[str], size: int = REMEMBERED) -> None:
        self._assignable = frozenset(map(str, assignable))
        self._engine = Engine()
        self._decisions = lru_cache(maxsize=size)(_no_decisions)

    def allows(self, permissions: frozenset[str], action: str) -> bool:
        """Decide; what cannot be assigned is refused."""
        decisions = self._decisions(permissions)
        decision = decisions.get(action)
        if decision is not None:
            return decision
        if action not in self._assignable:
            return False  # not remembered: a set's decisions are at most as many as there are assignable actions
        self._engine.reload((_OWN, permission) for permission in sorted(permissions & self._assignable))
        decisions[action] = self._engine.decide(_OWN, action)
        return decisions[action]


def _no_decisions(_permissions: frozenset[str]) -> dict[str, bool]:
    return {}
