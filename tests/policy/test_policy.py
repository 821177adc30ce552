import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.policy import Permission, Policy, Role, StaffRole, UnknownRole, grants_of

ROLES = [*Role, *StaffRole]
ACTIONS = ["project:read", "project:create", "project:delete", "tenant:suspend"]
GRANTS = st.dictionaries(st.sampled_from(ROLES), st.frozensets(st.sampled_from(ACTIONS)))


@given(grants=GRANTS, role=st.sampled_from(ROLES), action=st.sampled_from(ACTIONS))
def test_allows_exactly_what_is_granted(grants: dict[str, frozenset[str]], role: str, action: str) -> None:
    policy = Policy(grants)
    granted = action in grants.get(role, frozenset())

    assert [policy.allows(role, action) for _ in range(2)] == [granted, granted]


def test_a_plain_string_decides_like_the_role_of_that_name() -> None:
    policy = Policy({Role.VIEWER: ["project:read"]})

    assert policy.allows("viewer", "project:read")
    assert policy.allows(Role.VIEWER, "project:read")
    assert not policy.allows("viewer", "project:create")


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("god", "project:read"),
        ("", "project:read"),
        ("viewer", "project:*"),
        ("viewer", ""),
        ("VIEWER", "project:read"),
    ],
)
def test_unknown_role_or_action_is_refused(role: str, action: str) -> None:
    policy = Policy({"viewer": ["project:read"]})

    assert not policy.allows(role, action)
    assert policy.allows("viewer", "project:read")


def test_a_policy_without_grants_refuses_everything() -> None:
    assert not Policy({}).allows("owner", "project:read")


def test_a_grant_for_an_unknown_role_stops_the_start() -> None:
    with pytest.raises(UnknownRole, match="janitor"):
        Policy({"owner": ["project:read"], "janitor": ["project:read"]})


class Projects(Permission):
    READ = "project:read", "See projects", frozenset({Role.OWNER, Role.VIEWER})


class Money(Permission):
    CHANGE = "plan:change", "Change the plan", frozenset({Role.OWNER})


def test_the_grants_of_all_apps_are_joined() -> None:
    assert grants_of([*Projects, *Money]) == {"owner": {"project:read", "plan:change"}, "viewer": {"project:read"}}


def test_version_follows_the_rules_and_not_their_order() -> None:
    policy = Policy({"owner": ["project:create", "project:read"], "viewer": ["project:read"]})
    same = Policy({"viewer": ["project:read"], "owner": ["project:read", "project:create"]})
    other = Policy({"owner": ["project:read"], "viewer": ["project:read"]})

    assert policy.version == same.version
    assert policy.version != other.version
