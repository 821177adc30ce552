import pytest

from insula.policy import Role, may_grant

OWNER, ADMIN, MEMBER, VIEWER, BILLING = Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER, Role.BILLING_MANAGER


@pytest.mark.parametrize(
    ("granter", "grantable"),
    [
        (OWNER, {OWNER, ADMIN, MEMBER, VIEWER, BILLING}),
        (ADMIN, {ADMIN, MEMBER, VIEWER, BILLING}),
        (MEMBER, {MEMBER, VIEWER}),
        (VIEWER, {VIEWER}),
        (BILLING, set()),
    ],
)
def test_nobody_grants_above_himself(granter: Role, grantable: set[Role]) -> None:
    assert {role for role in Role if may_grant(granter, role)} == grantable
