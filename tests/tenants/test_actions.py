from insula.policy import Role
from tenants.actions import GRANTS, Action

PERSONAL = {Action.ME_READ, Action.ME_UPDATE, Action.TENANT_CREATE, Action.INVITATION_ACCEPT}


class TestGrants:
    def test_every_role_has_some(self) -> None:
        assert set(GRANTS) == set(Role)

    def test_every_action_is_granted_unless_it_is_personal(self) -> None:
        assert set().union(*GRANTS.values()) == set(Action) - PERSONAL

    def test_viewer_only_reads_and_leaves(self) -> None:
        assert {action.split(":")[1] for action in GRANTS["viewer"]} == {"read", "leave"}

    def test_billing_manager_sees_the_tenant_and_its_usage_alone(self) -> None:
        assert GRANTS["billing_manager"] == {Action.TENANT_READ, Action.MEMBER_LEAVE, Action.USAGE_READ}

    def test_everybody_may_leave(self) -> None:
        assert all(Action.MEMBER_LEAVE in granted for granted in GRANTS.values())

    def test_member_neither_deletes_projects_nor_changes_the_tenant_and_its_people(self) -> None:
        more = GRANTS["owner"] - GRANTS["member"]
        assert more >= {Action.PROJECT_DELETE, Action.TENANT_UPDATE, Action.MEMBER_DELETE, Action.INVITATION_CREATE}

    def test_owner_alone_gives_the_tenant_away(self) -> None:
        assert GRANTS["owner"] - GRANTS["admin"] == {Action.OWNERSHIP_TRANSFER}
