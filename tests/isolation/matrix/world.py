"""Tenant A, which attacks; tenant B, which is attacked; and people with access to both or neither."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from insula.access import Role
from insula.db.models import ACTIVE, SUSPENDED
from tests.isolation.matrix.actions import action_of
from tests.isolation.matrix.holders import HeldRole, by_label
from tests.isolation.matrix.kinds import ALL_KEY_ACTIONS
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.rows import Rows, add_bare_tenant, add_holder, add_membership, add_person, add_tenant
from tests.isolation.matrix.tenant import AttackTenant, Person, new_tenant
from tests.support.app import PASSWORD
from tests.support.apps import POLICY

OTHER_PASSWORD: Final = "another battery staple horse"
WITH, WITHOUT = "with", "without"
"""Custom roles of A: one with every assignable action, one with all but the route's action."""

TARGET: Final = "target"
"""A person with a role outside tenants who does not attack; routes about such people name them."""

IN_BOTH: Final[Mapping[str, str]] = {"owner of both": Role.OWNER, "owner of B in A": Role.VIEWER}
"""People who own B, and their roles in A."""


@dataclass(frozen=True)
class World:
    """Everything that attacks on one route need, in the database; reusable as long as no attack succeeds."""

    a: AttackTenant
    b: AttackTenant
    c: AttackTenant
    """A suspended tenant."""
    both: Mapping[str, Person]
    holders: Mapping[str, Mapping[str, Person]]
    """People with a role outside tenants, by their principals' kind, then by role."""

    tokens: dict[tuple[object, ...], str] = field(default_factory=dict)

    @property
    def people_of_b(self) -> list[Person]:
        return [*self.b.people.values(), *self.both.values()]


def new_world(rows: Rows, route: LiveRoute, hashes: Mapping[str, str]) -> World:
    """Return a world and add its rows; its API keys and custom roles fit ``route``'s action."""
    action = action_of(route) if route.guard is not None else ""
    every, having, lacking = ALL_KEY_ACTIONS, ALL_KEY_ACTIONS & {action}, ALL_KEY_ACTIONS - {action}
    keys = {"key": every, "having": having or every, "lacking": lacking, "expired": every, "revoked": every}
    assignable = frozenset(POLICY.published)
    roles = {WITH: assignable, WITHOUT: assignable - {action}}
    a = new_tenant("a", password=OTHER_PASSWORD, key_actions={"key": every}, roles=roles)
    b = new_tenant("b", password=PASSWORD, key_actions=keys)
    c = new_tenant("c", password=OTHER_PASSWORD, key_actions={"key": every}, status=SUSPENDED)
    for tenant in (a, b):
        add_tenant(rows, tenant, hashes[tenant.password])
    add_bare_tenant(rows, c, hashes[c.password])
    holders = {label: _holders(rows, held, a) for label, held in by_label().items()}
    both = {name: _stranger(f"both-{name.replace(' ', '-')}", a) for name in IN_BOTH}
    for name, person in both.items():
        add_person(rows, person)
        add_membership(rows, a, person, IN_BOTH[name], person.membership)
        add_membership(rows, b, person, Role.OWNER, person.second_membership)
    for label, people in holders.items():
        a.ids[f"{label}_id"] = b.ids[f"{label}_id"] = str(people[TARGET].id)
    return World(a, b, c, both, holders)


def _holders(rows: Rows, held: HeldRole, near: AttackTenant) -> Mapping[str, Person]:
    people = {role: _stranger(f"{held.label}-{role}", near) for role in held.roles}
    for name, status in ((SUSPENDED, SUSPENDED), (TARGET, ACTIVE)):
        people[name] = _stranger(f"{held.label}-{name}", near, status)
    for name, person in people.items():
        add_holder(rows, held.table, person, name if name in held.roles else held.roles[-1])
    return people


def _stranger(name: str, near: AttackTenant, status: str = "active") -> Person:
    """Return a person whose name does not count as a canary."""
    return Person(email=f"{name.lower()}@{near.token}.example.org", name=name, status=status)
