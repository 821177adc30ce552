import pytest

import admin.api
import billing.api
import tenants.api
from insula.policy import Permission, Role, Undescribed, merged, published
from tenants.actions import OWNERS_ALONE, Action
from tenants.permissions import ASSIGNABLE, BUILT_IN, IN_EVERY_ROLE, PUBLISHED, own


class Deed(Permission):
    READ = "deed:read", "See deeds"
    FORGE = "deed:forge"


class TestPublished:
    def test_is_what_the_houses_policy_grants_members_save_what_only_owners_can(self) -> None:
        grants = merged((tenants.api.GRANTS, billing.api.GRANTS, admin.api.GRANTS))
        members = frozenset[str]().union(*(grants[role] for role in Role))
        assert members - OWNERS_ALONE == ASSIGNABLE
        assert {role: grants[role] for role in Role} == BUILT_IN

    def test_names_no_personal_action_and_none_of_the_staffs(self) -> None:
        assert {Action.ME_READ, Action.ME_UPDATE, Action.TENANT_CREATE, Action.INVITATION_ACCEPT}.isdisjoint(ASSIGNABLE)
        assert [code for code in ASSIGNABLE if code.startswith("staff")] == []

    def test_owners_have_all_of_it(self) -> None:
        assert BUILT_IN[Role.OWNER] > ASSIGNABLE

    def test_says_what_each_allows_and_where(self) -> None:
        assert all(known.meaning and known.meaning[0].isupper() for known in PUBLISHED.values())
        assert {known.app for known in PUBLISHED.values()} == {"tenants", "billing"}

    def test_what_everybody_may_is_in_every_role(self) -> None:
        assert {"tenant:read", "member:leave"} <= IN_EVERY_ROLE
        assert all(granted >= IN_EVERY_ROLE for granted in BUILT_IN.values())

    def test_without_words_there_is_none(self) -> None:
        assert [found.code for found in published("deeds", {Role.OWNER: {Deed.READ}})] == ["deed:read"]
        with pytest.raises(Undescribed, match="deed:forge"):
            list(published("deeds", {Role.OWNER: {Deed.READ, Deed.FORGE}}))

    def test_what_is_stored_and_no_longer_published_counts_for_nothing(self) -> None:
        assert own(["project:read", "ownership:transfer", "project:fly"]) == {"project:read"}
