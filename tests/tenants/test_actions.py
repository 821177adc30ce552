from insula.policy import Role
from tenants.actions import GRANTS, Action

PERSONAL = {Action.ME_READ, Action.TENANT_CREATE}


class TestGrants:
    def test_every_role_has_some(self) -> None:
        assert set(GRANTS) == set(Role)

    def test_every_action_is_granted_unless_it_is_personal(self) -> None:
        assert set().union(*GRANTS.values()) == set(Action) - PERSONAL

    def test_viewer_only_reads(self) -> None:
        assert {action.split(":")[1] for action in GRANTS["viewer"]} == {"read"}

    def test_billing_manager_sees_the_tenant_alone(self) -> None:
        assert GRANTS["billing_manager"] == {Action.TENANT_READ}

    def test_member_neither_deletes_projects_nor_changes_the_tenant(self) -> None:
        assert GRANTS["owner"] - GRANTS["member"] == {Action.PROJECT_DELETE, Action.TENANT_UPDATE}
