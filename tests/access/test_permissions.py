"""Permissions declare the roles that have them; what roles and tenants can have is derived from that."""

import pytest

from insula.access import (
    ADMINS,
    EVERYBODY,
    OWNERS,
    DeclaredTwice,
    GrantedTo,
    Permission,
    Role,
    StaffRole,
    Undescribed,
    grants_of,
    published,
)


class Deed(Permission):
    READ = "deed:read", "See deeds", EVERYBODY
    SIGN = "deed:sign", "Sign deeds", ADMINS, GrantedTo.PEOPLE
    BURN = "deed:burn", "Burn deeds", OWNERS
    UNGRANTED = "deed:dream"


class StaffDeed(Permission):
    READ = "staff.deed:read", "See all tenants' deeds", frozenset(StaffRole)


class Duplicate(Permission):
    READ = "deed:read", "See deeds", OWNERS


class WithoutMeaning(Permission):
    FORGE = "deed:forge", "", ADMINS


class TestGrantsOf:
    def test_each_role_has_the_permissions_that_name_it(self) -> None:
        grants = grants_of([*Deed, *StaffDeed])
        assert {role: grants[role] for role in Role} == {
            Role.OWNER: {Deed.READ, Deed.SIGN, Deed.BURN},
            Role.ADMIN: {Deed.READ, Deed.SIGN},
            Role.MEMBER: {Deed.READ},
            Role.VIEWER: {Deed.READ},
            Role.BILLING_MANAGER: {Deed.READ},
        }
        assert {role: grants[role] for role in StaffRole} == {role: {StaffDeed.READ} for role in StaffRole}

    def test_a_role_without_permissions_is_left_out(self) -> None:
        assert set(grants_of([Deed.SIGN, Deed.UNGRANTED])) == {Role.OWNER, Role.ADMIN}

    def test_one_code_declared_twice_is_refused(self) -> None:
        with pytest.raises(DeclaredTwice, match="deed:read"):
            grants_of([*Deed, *Duplicate])


class TestPublished:
    def test_only_permissions_of_custom_roles_are_published(self) -> None:
        found = [(one.code, one.for_people, one.in_every_role) for one in published("deeds", [*Deed, *StaffDeed])]
        assert found == [("deed:read", False, True), ("deed:sign", True, False)]

    def test_published_permissions_have_a_meaning_and_an_app(self) -> None:
        assert {(one.meaning, one.app) for one in published("deeds", Deed)} == {
            ("See deeds", "deeds"),
            ("Sign deeds", "deeds"),
        }

    def test_a_permission_without_a_meaning_is_refused(self) -> None:
        with pytest.raises(Undescribed, match="deed:forge"):
            list(published("deeds", [*Deed, *WithoutMeaning]))
