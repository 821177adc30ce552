"""Tenant A, which attacks; tenant B, which is attacked; and those who stand between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from insula.db.models import SUSPENDED
from insula.policy import Role, StaffRole
from tests.isolation.matrix.actions import action_of
from tests.isolation.matrix.island import Island, Person, new_island
from tests.isolation.matrix.kinds import ALL_KEY_ACTIONS
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.rows import Rows, add_bare_island, add_island, add_membership, add_person, add_staff
from tests.support.app import PASSWORD
from tests.support.apps import POLICY

OTHER_PASSWORD: Final = "another battery staple horse"
WITH, WITHOUT = "with", "without"
"""Roles of A's own: one that may all that such a role can be given, one that may all but what the route asks for."""

IN_BOTH: Final[Mapping[str, str]] = {"owner of both": Role.OWNER, "owner of B in A": Role.VIEWER}
"""People who own B, and what they are in A."""


@dataclass(frozen=True)
class World:
    """Everything that the attacks on one route need, in the database, and good for as long as nothing succeeds."""

    a: Island
    b: Island
    c: Island
    """A tenant that is suspended."""
    both: Mapping[str, Person]
    staff: Mapping[str, Person]
    tokens: dict[tuple[object, ...], str] = field(default_factory=dict)

    @property
    def people_of_b(self) -> list[Person]:
        return [*self.b.people.values(), *self.both.values()]


def new_world(rows: Rows, route: LiveRoute, hashes: Mapping[str, str]) -> World:
    """Return a world and add its rows; its API keys are made for ``route``'s action."""
    action = action_of(route) if route.guard is not None else ""
    every, having, lacking = ALL_KEY_ACTIONS, ALL_KEY_ACTIONS & {action}, ALL_KEY_ACTIONS - {action}
    keys = {"key": every, "having": having or every, "lacking": lacking, "expired": every, "revoked": every}
    assignable = frozenset(POLICY.published)
    roles = {WITH: assignable, WITHOUT: assignable - {action}}
    a = new_island("a", password=OTHER_PASSWORD, key_actions={"key": every}, roles=roles)
    b = new_island("b", password=PASSWORD, key_actions=keys)
    c = new_island("c", password=OTHER_PASSWORD, key_actions={"key": every}, status=SUSPENDED)
    for island in (a, b):
        add_island(rows, island, hashes[island.password])
    add_bare_island(rows, c, hashes[c.password])
    staff = {str(role): _stranger(f"staff-{role}", a) for role in StaffRole}
    staff |= {"suspended": _stranger("staff-suspended", a, SUSPENDED), "target": _stranger("staff-target", a)}
    for name, person in staff.items():
        add_staff(rows, person, name if name in set(StaffRole) else StaffRole.SUPPORT)
    both = {name: _stranger(f"both-{name.replace(' ', '-')}", a) for name in IN_BOTH}
    for name, person in both.items():
        add_person(rows, person)
        add_membership(rows, a, person, IN_BOTH[name], person.membership)
        add_membership(rows, b, person, Role.OWNER, person.second_membership)
    a.ids["staff_id"] = b.ids["staff_id"] = str(staff["target"].id)
    return World(a, b, c, both, staff)


def _stranger(name: str, near: Island, status: str = "active") -> Person:
    """Return a person whose name is nobody's secret."""
    return Person(email=f"{name.lower()}@{near.token}.example.org", name=name, status=status)
