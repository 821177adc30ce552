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
    def test_every_role_has_permissions(self) -> None:
        assert set(GRANTS) == set(Role)

    def test_every_action_is_granted_unless_it_is_personal(self) -> None:
        assert set().union(*GRANTS.values()) == set(PERMISSIONS) - PERSONAL

    def test_viewer_only_reads_and_leaves(self) -> None:
        assert {action.split(":")[1] for action in GRANTS["viewer"]} == {"read", "leave"}

    def test_billing_manager_only_reads_the_tenant_and_its_usage_and_leaves(self) -> None:
        assert GRANTS["billing_manager"] == {TenantAction.READ, MemberAction.LEAVE, UsageAction.READ}

    def test_everybody_may_leave(self) -> None:
        assert all(MemberAction.LEAVE in granted for granted in GRANTS.values())

    def test_member_neither_deletes_racks_nor_changes_the_tenant_and_its_people(self) -> None:
        more = GRANTS["owner"] - GRANTS["member"]
        assert more >= {RackAction.DELETE, TenantAction.UPDATE, MemberAction.DELETE, InvitationAction.CREATE}

    def test_only_the_owner_transfers_ownership(self) -> None:
        assert GRANTS["owner"] - GRANTS["admin"] == {MemberAction.TRANSFER_OWNERSHIP}

    def test_the_app_has_the_permissions_of_every_resource(self) -> None:
        found = [f"tenants.{found.name}.permissions" for found in iter_modules(tenants.__path__) if found.ispkg]
        declared = [one for name in found if find_spec(name) is not None for one in import_module(name).Action]
        assert sorted(declared) == sorted(one for one in PERMISSIONS if type(one).__module__.startswith("tenants."))


class TestPublished:
    def test_published_are_all_permissions_of_members_but_the_transfer_of_ownership(self) -> None:
        grants = INSTALLATION.grants
        members = frozenset[str]().union(*(grants[role] for role in Role))
        assert members - {MemberAction.TRANSFER_OWNERSHIP} == ASSIGNABLE
        assert {role: grants[role] for role in Role} == POLICY.built_in

    def test_no_personal_or_staff_action_is_published(self) -> None:
        assert PERSONAL.isdisjoint(ASSIGNABLE)
        assert [code for code in ASSIGNABLE if code.startswith("staff")] == []

    def test_owners_have_every_published_permission(self) -> None:
        assert POLICY.built_in[Role.OWNER] > ASSIGNABLE

    def test_each_published_permission_has_a_meaning_and_an_app(self) -> None:
        assert all(known.meaning and known.meaning[0].isupper() for known in POLICY.published.values())
        assert {known.app for known in POLICY.published.values()} == set(APPS_FOR_MEMBERS)

    def test_permissions_of_everybody_are_in_every_role(self) -> None:
        assert {"tenant:read", "member:leave"} <= POLICY.in_every_role
        assert all(granted >= POLICY.in_every_role for granted in POLICY.built_in.values())

    def test_stored_permissions_that_are_no_longer_published_are_ignored(self) -> None:
        assert POLICY.of_custom_role(["rack:read", "ownership:transfer", "rack:fly"]) == {"rack:read"}
