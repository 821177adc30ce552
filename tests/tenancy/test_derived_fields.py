"""Values derived from an access record are cached with that record, and not with its copies."""

from dataclasses import replace

from insula.core.ids import UserId, new_id
from insula.tenancy import Access, DerivedField


def _access() -> Access:
    return Access(
        UserId(new_id()),
        session_live=True,
        user_status="active",
        staff_role=None,
        tenant=None,
        membership_id=None,
        role=None,
    )


def test_each_derived_field_has_its_own_value() -> None:
    access, mine, other = _access(), DerivedField[str](), DerivedField[str]()
    assert access.derived(mine) is None

    access.keep(mine, "a value")

    assert (access.derived(mine), access.derived(other)) == ("a value", None)


def test_a_changed_copy_has_no_derived_value() -> None:
    access, mine = _access(), DerivedField[str]()
    access.keep(mine, "while the session lived")

    assert replace(access, session_live=False).derived(mine) is None
    assert access.derived(mine) == "while the session lived"


def test_derived_values_do_not_affect_equality() -> None:
    access = _access()
    access.keep(DerivedField[int](), 1)

    assert replace(access) == access
