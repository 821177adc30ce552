"""Custom roles: their published permissions decide, at the same cost for any number of roles."""

import time
from collections.abc import Callable, Sequence
from itertools import islice
from itertools import product as choices

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.access import Policy, Published, Role
from insula.access.policy import CustomRoleDecisions

ACTIONS = ["rack:read", "rack:create", "rack:delete", "tenant:give"]
ASSIGNABLE = ACTIONS[:3]


def published(codes: Sequence[str]) -> list[Published]:
    return [Published(code, "Do it", "tests", for_people=False, in_every_role=False) for code in codes]


SETS = st.frozensets(st.sampled_from(ACTIONS))


@given(permissions=SETS, action=st.sampled_from(ACTIONS))
def test_a_custom_role_allows_exactly_its_assignable_permissions(permissions: frozenset[str], action: str) -> None:
    policy = Policy({Role.OWNER: ACTIONS}, published(ASSIGNABLE))
    granted = action in permissions and action in ASSIGNABLE

    assert [policy.allows("editor", action, permissions) for _ in range(2)] == [granted, granted]
    assert policy.allows(Role.OWNER, action)


@given(sets=st.lists(SETS, min_size=2, max_size=8))
def test_roles_do_not_mix(sets: list[frozenset[str]]) -> None:
    decisions = CustomRoleDecisions(ACTIONS)

    for _ in range(2):
        for permissions in sets:
            assert {action for action in ACTIONS if decisions.allows(permissions, action)} == permissions


@pytest.mark.parametrize("name", ["owner", "superuser", "editor", ""])
def test_the_name_of_a_custom_role_decides_nothing(name: str) -> None:
    policy = Policy({Role.OWNER: ACTIONS}, published(ASSIGNABLE))

    assert not policy.allows(name, "rack:delete", frozenset({"rack:read"}))
    assert policy.allows(name, "rack:read", frozenset({"rack:read"}))


def test_a_custom_role_without_permissions_is_refused() -> None:
    policy = Policy({Role.OWNER: ACTIONS}, published(ASSIGNABLE))

    assert not policy.allows("editor", "rack:read")
    assert policy.allows("owner", "rack:read")


def test_evicted_decisions_are_computed_again() -> None:
    decisions = CustomRoleDecisions(ACTIONS, size=2)
    sets = [frozenset({action}) for action in ACTIONS]

    for permissions in [*sets, *sets]:
        assert [action for action in ACTIONS if decisions.allows(permissions, action)] == list(permissions)


def test_ten_thousand_roles_cost_a_decision_no_more_than_one() -> None:
    actions = [f"thing{number}:read" for number in range(14)]
    sets = [
        frozenset(action for action, held in zip(actions, chosen, strict=True) if held)
        for chosen in islice(choices((True, False), repeat=len(actions)), 10_000)
    ]
    few, many = CustomRoleDecisions(actions), CustomRoleDecisions(actions)
    for permissions in sets:
        many.allows(permissions, "thing0:read")
    one = min(_cost(few, sets[:1] * 1_000) for _ in range(20))
    all_of_them = min(_cost(many, sets[:1_000]) for _ in range(20))

    assert all_of_them < max(3 * one, 1e-6)


def _cost(decisions: CustomRoleDecisions, sets: Sequence[frozenset[str]]) -> float:
    ask: Callable[[frozenset[str], str], bool] = decisions.allows
    begun = time.perf_counter()
    for permissions in sets:
        ask(permissions, "thing0:read")
    return (time.perf_counter() - begun) / len(sets)
