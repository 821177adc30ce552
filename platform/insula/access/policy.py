"""The decision: may this role do this action? Casbin decides, a table remembers."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from insula.access.custom_roles import OwnRoles
from insula.access.engine import Engine
from insula.access.permissions import Permissions, Published
from insula.access.roles import Role, StaffRole

_BUILT_IN: Final = frozenset[str]({*Role, *StaffRole})


class UnknownRole(ValueError):
    """A grant names a role that does not exist."""


class Policy:
    """The rules, immutable.

    There is no Casbin grouping (``g``): who has which role comes from the membership, so the rules
    stay as few as roles times actions whatever the number of tenants. A role that a tenant defines
    brings its permissions along, of which those that are ``published`` count. ``roles`` are the
    built-in ones of every kind of caller; ``built_in`` says what those of tenants may. A
    changed rule is a new ``Policy`` and, with it, an empty table of decisions.
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
        self._actions = frozenset(action for _, action in rules)
        self._decisions: dict[tuple[str, str], bool] = {}
        self.published = MappingProxyType({one.code: one for one in published})
        self.in_every_role = frozenset(code for code, one in self.published.items() if one.in_every_role)
        self.for_keys = frozenset(code for code, one in self.published.items() if not one.for_people)
        self.built_in = MappingProxyType({str(role): frozenset(map(str, grants.get(role, ()))) for role in Role})
        self._own_roles = OwnRoles(self.published)

    def allows(self, role: str, action: str, permissions: frozenset[str] | None = None) -> bool:
        """Decide; what is unknown is refused. A tenant's own role is its ``permissions``: its name says nothing."""
        if permissions is not None:
            return self._own_roles.allows(permissions, action)
        decision = self._decisions.get((role, action))
        return self._decide(role, action) if decision is None else decision

    def of_custom_role(self, stored: Iterable[str]) -> Permissions:
        """Return what a custom role with these stored permissions may: none that is not published."""
        return frozenset(self.published.keys() & stored)

    def of_key(self, permissions: Permissions) -> Permissions:
        """Return the actions that a member with these ``permissions`` may give to a key: none that they lack."""
        return self.for_keys & permissions

    def _decide(self, role: str, action: str) -> bool:
        if role not in self._roles or action not in self._actions:
            return False  # not remembered: the table holds at most roles times actions
        decision = self._engine.decide(role, action)
        self._decisions[role, action] = decision
        return decision
