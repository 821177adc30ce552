from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import tenants
from insula.access import Role
from tenants.invitations.permissions import Action as InvitationAction
from tenants.me.permissions import Action as MeAction
from tenants.members.permissions import Action as MemberAction
from tenants.tenants.permissions import Action as TenantAction
from tenants.usage.permissions import Action as UsageAction
from tests.probe.racks.permissions import Action as RackAction
from tests.support.apps import APPS_FOR_MEMBERS, INSTALLATION, POLICY

PERMISSIONS = INSTALLATION.app("tenants").permissions
GRANTS = INSTALLATION.app("tenants").grants
ASSIGNABLE = frozenset(POLICY.published)
PERSONAL = {MeAction.READ, MeAction.UPDATE, TenantAction.CREATE, InvitationAction.ACCEPT}


class TestGrants:
    def test_every_role_has_some(self) -> None:
        assert set(GRANTS) == set(Role)

    def test_every_action_is_granted_unless_it_is_personal(self) -> None:
        assert set().union(*GRANTS.values()) == set(PERMISSIONS) - PERSONAL

    def test_viewer_only_reads_and_leaves(self) -> None:
        assert {action.split(":")[1] for action in GRANTS["viewer"]} == {"read", "leave"}

    def test_billing_manager_sees_the_tenant_and_its_usage_alone(self) -> None:
        assert GRANTS["billing_manager"] == {TenantAction.READ, MemberAction.LEAVE, UsageAction.READ}

    def test_everybody_may_leave(self) -> None:
        assert all(MemberAction.LEAVE in granted for granted in GRANTS.values())

    def test_member_neither_deletes_racks_nor_changes_the_tenant_and_its_people(self) -> None:
        more = GRANTS["owner"] - GRANTS["member"]
        assert more >= {RackAction.DELETE, TenantAction.UPDATE, MemberAction.DELETE, InvitationAction.CREATE}

    def test_owner_alone_gives_the_tenant_away(self) -> None:
        assert GRANTS["owner"] - GRANTS["admin"] == {MemberAction.TRANSFER_OWNERSHIP}

    def test_every_resources_permissions_are_among_them(self) -> None:
        found = [f"tenants.{found.name}.permissions" for found in iter_modules(tenants.__path__) if found.ispkg]
        declared = [one for name in found if find_spec(name) is not None for one in import_module(name).Action]
        assert sorted(declared) == sorted(one for one in PERMISSIONS if type(one).__module__.startswith("tenants."))


class TestPublished:
    def test_is_what_the_policy_grants_members_except_what_only_owners_can(self) -> None:
        grants = INSTALLATION.grants
        members = frozenset[str]().union(*(grants[role] for role in Role))
        assert members - {MemberAction.TRANSFER_OWNERSHIP} == ASSIGNABLE
        assert {role: grants[role] for role in Role} == POLICY.built_in

    def test_names_no_personal_action_and_none_of_the_staffs(self) -> None:
        assert PERSONAL.isdisjoint(ASSIGNABLE)
        assert [code for code in ASSIGNABLE if code.startswith("staff")] == []

    def test_owners_have_all_of_it(self) -> None:
        assert POLICY.built_in[Role.OWNER] > ASSIGNABLE

    def test_says_what_each_allows_and_where(self) -> None:
        assert all(known.meaning and known.meaning[0].isupper() for known in POLICY.published.values())
        assert {known.app for known in POLICY.published.values()} == set(APPS_FOR_MEMBERS)

    def test_what_everybody_may_is_in_every_role(self) -> None:
        assert {"tenant:read", "member:leave"} <= POLICY.in_every_role
        assert all(granted >= POLICY.in_every_role for granted in POLICY.built_in.values())

    def test_what_is_stored_and_no_longer_published_counts_for_nothing(self) -> None:
        assert POLICY.of_custom_role(["rack:read", "ownership:transfer", "rack:fly"]) == {"rack:read"}
