"""Owners and admins list and end users' consents to an OAuth client of their tenant."""

import pytest

from insula.core.ids import new_id
from tests.support.factories import Factories, MadeClient, TenantRow, UserRow
from tests.tenants.conftest import Hire, Join
from tests.tenants.oauth_clients.support import MANAGERS
from tests.tenants.support import ROLES, Caller, Readback, code_of, membership_of, sameness

STORED = "select id from oauth_consent where client_id = :id order by id"


@pytest.fixture
async def planner(make: Factories, tenant: TenantRow) -> MadeClient:
    return await make.oauth_client(tenant, "rack:read", "rack:create")


@pytest.fixture
async def user(make: Factories, tenant: TenantRow) -> UserRow:
    return await make.member(tenant)


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(
        self, join: Join, make: Factories, tenant: TenantRow, planner: MadeClient, user: UserRow, role: str
    ) -> None:
        made = await make.consent(tenant, planner, user, "rack:read")
        answer = await (await join(tenant, role)).get(f"/oauth-clients/{planner.id}/consents")
        if role in MANAGERS:
            assert [consent["id"] for consent in answer.json()["items"]] == [str(made)]
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_names_the_member_or_nobody_who_has_left(
        self, owner: Caller, planner: MadeClient, make: Factories, readback: Readback
    ) -> None:
        left = await make.user()
        await make.consent(owner.home, planner, owner.user, "openid", "rack:read")
        await make.consent(owner.home, planner, left, "rack:read")
        path = f"/oauth-clients/{planner.id}/consents"
        theirs, mine = (await owner.get(path)).json()["items"]
        assert {name: mine[name] for name in ("user_id", "member_id", "name", "scopes")} == {
            "user_id": str(owner.user.id),
            "member_id": await membership_of(readback, owner),
            "name": owner.user.name,
            "scopes": ["openid", "rack:read"],
        }
        assert (theirs["user_id"], theirs["member_id"], theirs["name"]) == (str(left.id), None, None)
        assert mine["created_at"] <= mine["updated_at"]
        found = (await owner.get(path, search=owner.user.name.upper())).json()["items"]
        assert [consent["id"] for consent in found] == [mine["id"]]
        assert (await owner.get(path, search="nobody is called so")).json()["items"] == []

    async def test_is_walked_page_by_page_at_the_same_cost(
        self, owner: Caller, planner: MadeClient, make: Factories, statements: list[str]
    ) -> None:
        made = [str(await make.consent(owner.home, planner, await make.user(), "rack:read")) for _ in range(5)]
        path = f"/oauth-clients/{planner.id}/consents"
        assert [consent["id"] for consent in await owner.walk(path, limit=2)] == made[::-1]
        assert [consent["id"] for consent in await owner.walk(path, limit=2, sort_by="created_at")] == made
        for limit in (1, 5):
            statements.clear()
            assert len((await owner.get(path, limit=limit)).json()["items"]) == limit
            assert len([sent for sent in statements if "oauth_consent" in sent or "membership" in sent]) == 2

    async def test_is_of_one_client_of_the_tenant(
        self, owner: Caller, stranger: Caller, planner: MadeClient, user: UserRow, make: Factories
    ) -> None:
        other = await make.oauth_client(owner.home, "rack:read")
        await make.consent(owner.home, planner, user, "rack:read")
        path = f"/oauth-clients/{planner.id}/consents"
        assert len((await owner.get(path)).json()["items"]) == 1
        assert (await owner.get(f"/oauth-clients/{other.id}/consents")).json()["items"] == []
        foreign = await stranger.get(path)
        assert sameness(foreign) == sameness(await stranger.get(f"/oauth-clients/{new_id()}/consents"))
        assert foreign.status_code == 404


class TestWithdraw:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(
        self,
        join: Join,
        make: Factories,
        tenant: TenantRow,
        planner: MadeClient,
        user: UserRow,
        role: str,
        readback: Readback,
    ) -> None:
        made = await make.consent(tenant, planner, user, "rack:read")
        answer = await (await join(tenant, role)).delete(f"/oauth-clients/{planner.id}/consents/{made}")
        if role in MANAGERS:
            assert (answer.status_code, await readback(STORED, id=planner.id)) == (204, [])
        else:
            assert code_of(answer) == (403, "forbidden")
            assert await readback(STORED, id=planner.id) == [{"id": made}]

    async def test_needs_more_than_to_see_clients(
        self, hire: Hire, make: Factories, tenant: TenantRow, planner: MadeClient, user: UserRow
    ) -> None:
        made = await make.consent(tenant, planner, user, "rack:read")
        path = f"/oauth-clients/{planner.id}/consents"
        viewer, revoker = await hire("oauth_client:read"), await hire("oauth_client:revoke")
        assert [consent["id"] for consent in (await viewer.get(path)).json()["items"]] == [str(made)]
        assert code_of(await viewer.delete(f"{path}/{made}")) == (403, "forbidden")
        assert (await revoker.delete(f"{path}/{made}")).status_code == 204

    async def test_ends_it_alone_and_is_recorded(
        self, owner: Caller, planner: MadeClient, user: UserRow, make: Factories, readback: Readback
    ) -> None:
        ended = await make.consent(owner.home, planner, user, "rack:read")
        kept = await make.consent(owner.home, planner, owner.user, "rack:read")
        path = f"/oauth-clients/{planner.id}/consents/{ended}"
        answer = await owner.delete(path)
        assert (answer.status_code, await readback(STORED, id=planner.id)) == (204, [{"id": kept}])
        events = await readback(
            "select tenant_id, action, actor_id, object_id, before, after from audit_event where request_id = :id",
            id=answer.headers["x-request-id"],
        )
        assert events == [
            {
                "tenant_id": owner.home.id,
                "action": "oauth_consent.withdrawn",
                "actor_id": owner.user.id,
                "object_id": str(ended),
                "before": {"client_id": str(planner.id), "user_id": str(user.id), "scopes": ["rack:read"]},
                "after": None,
            }
        ]
        assert code_of(await owner.delete(path)) == (404, "not_found")

    async def test_anothers_is_not_found(
        self, owner: Caller, stranger: Caller, planner: MadeClient, user: UserRow, make: Factories, readback: Readback
    ) -> None:
        other = await make.oauth_client(owner.home, "rack:read")
        made = await make.consent(owner.home, planner, user, "rack:read")
        path = f"/oauth-clients/{planner.id}/consents"
        for caller, wrong in ((stranger, f"{path}/{made}"), (owner, f"/oauth-clients/{other.id}/consents/{made}")):
            refused = await caller.delete(wrong)
            assert sameness(refused) == sameness(await caller.delete(f"{path}/{new_id()}"))
            assert refused.status_code == 404
        assert await readback(STORED, id=planner.id) == [{"id": made}]
        assert (await owner.delete(f"{path}/{made}")).status_code == 204
