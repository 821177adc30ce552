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
    DREAM = "deed:dream"


class StaffDeed(Permission):
    READ = "staff.deed:read", "See all tenants' deeds", frozenset(StaffRole)


class Forgery(Permission):
    READ = "deed:read", "See deeds", OWNERS


class Mute(Permission):
    FORGE = "deed:forge", "", ADMINS


class TestGrantsOf:
    def test_are_what_the_permissions_name_for_each_role(self) -> None:
        grants = grants_of([*Deed, *StaffDeed])
        assert {role: grants[role] for role in Role} == {
            Role.OWNER: {Deed.READ, Deed.SIGN, Deed.BURN},
            Role.ADMIN: {Deed.READ, Deed.SIGN},
            Role.MEMBER: {Deed.READ},
            Role.VIEWER: {Deed.READ},
            Role.BILLING_MANAGER: {Deed.READ},
        }
        assert {role: grants[role] for role in StaffRole} == {role: {StaffDeed.READ} for role in StaffRole}

    def test_name_no_role_that_has_nothing(self) -> None:
        assert set(grants_of([Deed.SIGN, Deed.DREAM])) == {Role.OWNER, Role.ADMIN}

    def test_of_one_code_twice_are_refused(self) -> None:
        with pytest.raises(DeclaredTwice, match="deed:read"):
            grants_of([*Deed, *Forgery])


class TestPublished:
    def test_are_those_that_custom_roles_can_have(self) -> None:
        found = [(one.code, one.for_people, one.in_every_role) for one in published("deeds", [*Deed, *StaffDeed])]
        assert found == [("deed:read", False, True), ("deed:sign", True, False)]

    def test_say_what_they_allow_and_where(self) -> None:
        assert {(one.meaning, one.app) for one in published("deeds", Deed)} == {
            ("See deeds", "deeds"),
            ("Sign deeds", "deeds"),
        }

    def test_without_words_there_is_none(self) -> None:
        with pytest.raises(Undescribed, match="deed:forge"):
            list(published("deeds", [*Deed, *Mute]))
