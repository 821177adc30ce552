from hypothesis import given
from hypothesis import strategies as st

from insula.access import may_grant

SETS = st.frozensets(st.sampled_from("abcdefgh"))


@given(own=SETS, role=SETS)
def test_nobody_grants_a_permission_that_they_lack(own: frozenset[str], role: frozenset[str]) -> None:
    assert may_grant(own, role) == all(permission in own for permission in role)


@given(own=SETS)
def test_everybody_may_grant_their_own_permissions_and_fewer(own: frozenset[str]) -> None:
    assert may_grant(own, own)
    assert may_grant(own, frozenset())
