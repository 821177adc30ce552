"""Decides whether a role may do an action. Casbin decides, and a table caches its decisions.

A custom role is the set of its permissions. Equal sets share their decisions, and the least recently used sets are
dropped, so the number of tenants costs nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from insula.access.engine import Engine
from insula.access.permissions import Permissions, Published
from insula.access.roles import Role, StaffRole

_BUILT_IN: Final = frozenset[str]({*Role, *StaffRole})
CACHED_SETS: Final = 20_000  # sets of permissions: the size of the directory's cache of callers
_OWN: Final = "own"


class CustomRoleDecisions:
    """Allows only ``assignable`` permissions, whatever a stored role holds."""

    def __init__(self, assignable: Collection[str], size: int = CACHED_SETS) -> None:
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


class UnknownRole(ValueError):
    """A permission is granted to a role that does not exist."""


class Policy:
    """The immutable rules of access.

    Casbin's grouping (``g``) is not used: the membership holds a caller's role, so there are at most roles times
    actions rules, whatever the number of tenants. A custom role comes with its permissions, of which the
    ``published`` ones count. ``roles`` are the built-in roles of all kinds of callers; ``built_in`` maps each role of
    tenants to its actions; ``actions`` are those of all roles. To change a rule, make a new ``Policy``, whose table of
    decisions is empty.
    """

    def __init__(
        self,
        grants: Mapping[str, Collection[str]],
        published: Iterable[Published] = (),
        roles: Collection[str] = _BUILT_IN,
    ) -> None:
        self._roles = frozenset(map(str, roles))
        if unknown := sorted(set(map(str, grants)) - self._roles):
            raise UnknownRole(f"grants name unknown roles: {', '.join(unknown)}")
        rules = sorted({(str(role), str(action)) for role, actions in grants.items() for action in actions})
        self._engine = Engine(rules)
        self.actions = frozenset(action for _, action in rules)
        self._decisions: dict[tuple[str, str], bool] = {}
        self.published = MappingProxyType({one.code: one for one in published})
        self.in_every_role = frozenset(code for code, one in self.published.items() if one.in_every_role)
        self.for_keys = frozenset(code for code, one in self.published.items() if not one.for_people)
        self.built_in = MappingProxyType({str(role): frozenset(map(str, grants.get(role, ()))) for role in Role})
        self._custom_roles = CustomRoleDecisions(self.published)

    def allows(self, role: str, action: str, permissions: frozenset[str] | None = None) -> bool:
        """Decide; refuse an unknown role or action. A custom role is decided by its ``permissions``, not its name."""
        if permissions is not None:
            return self._custom_roles.allows(permissions, action)
        decision = self._decisions.get((role, action))
        return self._decide(role, action) if decision is None else decision

    def of_custom_role(self, stored: Iterable[str]) -> Permissions:
        """Return the permissions of a custom role with these stored ones: those that are published."""
        return frozenset(self.published.keys() & stored)

    def of_key(self, permissions: Permissions) -> Permissions:
        """Return the actions that a member with these ``permissions`` may grant to an API key: only their own."""
        return self.for_keys & permissions

    def _decide(self, role: str, action: str) -> bool:
        if role not in self._roles or action not in self.actions:
            return False  # not cached: the table holds at most roles times actions
        decision = self._engine.decide(role, action)
        self._decisions[role, action] = decision
        return decision
