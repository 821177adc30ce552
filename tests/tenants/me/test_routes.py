from tests.support.factories import Factories
from tests.tenants.conftest import Join
from tests.tenants.support import Caller, code_of


class TestRead:
    async def test_of_a_newcomer_has_no_memberships(self, newcomer: Caller) -> None:
        answer = await newcomer.get("/me")
        assert answer.status_code == 200
        user = newcomer.user
        shown = {"id": str(user.id), "email": user.email, "name": user.name, "version": 1}
        assert answer.json() == {**shown, "memberships": []}

    async def test_lists_every_tenant_with_the_role_in_it(
        self, owner: Caller, stranger: Caller, make: Factories
    ) -> None:
        await make.member(stranger.home, role="viewer", user=owner.user)
        found = (await owner.get("/me")).json()["memberships"]
        expected = [
            {"tenant_id": str(tenant.id), "slug": tenant.slug, "name": tenant.name, "status": "active", "role": role}
            for tenant, role in ((owner.home, "owner"), (stranger.home, "viewer"))
        ]
        assert found == sorted(expected, key=lambda membership: membership["slug"])
        assert len((await stranger.get("/me")).json()["memberships"]) == 1

    async def test_is_for_billing_managers_too(self, join: Join, make: Factories) -> None:
        manager = await join(await make.tenant(), "billing_manager")
        assert (await manager.get("/me")).status_code == 200

    async def test_requires_authentication(self, newcomer: Caller) -> None:
        assert code_of(await newcomer.client.get("/api/v1/me")) == (401, "unauthenticated")
