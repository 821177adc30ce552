import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.access import Permission, Policy, Role, StaffRole, UnknownRole, grants_of

ROLES = [*Role, *StaffRole]
ACTIONS = ["rack:read", "rack:create", "rack:delete", "tenant:suspend"]
GRANTS = st.dictionaries(st.sampled_from(ROLES), st.frozensets(st.sampled_from(ACTIONS)))


@given(grants=GRANTS, role=st.sampled_from(ROLES), action=st.sampled_from(ACTIONS))
def test_a_policy_allows_exactly_the_granted_actions(grants: dict[str, frozenset[str]], role: str, action: str) -> None:
    policy = Policy(grants)
    granted = action in grants.get(role, frozenset())

    assert [policy.allows(role, action) for _ in range(2)] == [granted, granted]


def test_a_plain_string_decides_like_the_role_of_that_name() -> None:
    policy = Policy({Role.VIEWER: ["rack:read"]})

    assert policy.allows("viewer", "rack:read")
    assert policy.allows(Role.VIEWER, "rack:read")
    assert not policy.allows("viewer", "rack:create")


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("god", "rack:read"),
        ("", "rack:read"),
        ("viewer", "rack:*"),
        ("viewer", ""),
        ("VIEWER", "rack:read"),
    ],
)
def test_unknown_role_or_action_is_refused(role: str, action: str) -> None:
    policy = Policy({"viewer": ["rack:read"]})

    assert not policy.allows(role, action)
    assert policy.allows("viewer", "rack:read")


def test_a_policy_without_grants_refuses_everything() -> None:
    assert not Policy({}).allows("owner", "rack:read")


def test_a_grant_for_an_unknown_role_stops_the_start() -> None:
    with pytest.raises(UnknownRole, match="janitor"):
        Policy({"owner": ["rack:read"], "janitor": ["rack:read"]})


class Racks(Permission):
    READ = "rack:read", "See racks", frozenset({Role.OWNER, Role.VIEWER})


class Money(Permission):
    CHANGE = "plan:change", "Change the plan", frozenset({Role.OWNER})


def test_the_grants_of_all_apps_are_joined() -> None:
    assert grants_of([*Racks, *Money]) == {"owner": {"rack:read", "plan:change"}, "viewer": {"rack:read"}}
