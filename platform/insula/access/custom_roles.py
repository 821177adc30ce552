"""Decisions for custom roles, which tenants define. A custom role is decided as its set of permissions alone.

Equal sets of all tenants share their decisions, and the least recently used sets are dropped, so memory does not grow
with the number of tenants.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Final

from insula.access.engine import Engine

REMEMBERED: Final = 20_000  # sets of permissions, as many as the directory remembers callers
_OWN: Final = "own"


class CustomRoleDecisions:
    """Allows only ``assignable`` permissions, whatever a stored role holds."""

    def __init__(self, assignable: Collection[str], size: int = REMEMBERED) -> None:
        self._assignable = frozenset(map(str, assignable))
        self._engine = Engine()
        self._decisions = lru_cache(maxsize=size)(_no_decisions)

    def allows(self, permissions: frozenset[str], action: str) -> bool:
        """Decide; refuse permissions that are not assignable."""
        decisions = self._decisions(permissions)
        decision = decisions.get(action)
        if decision is not None:
            return decision
        if action not in self._assignable:
            return False  # not cached, so that a set has at most one decision for each assignable action
        self._engine.reload((_OWN, permission) for permission in sorted(permissions & self._assignable))
        decisions[action] = self._engine.decide(_OWN, action)
        return decisions[action]


def _no_decisions(_permissions: frozenset[str]) -> dict[str, bool]:
    return {}
