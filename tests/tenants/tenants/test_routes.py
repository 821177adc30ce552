from uuid import UUID, uuid4

import anyio
import httpx
import pytest

from tests.support.app import SignIn
from tests.support.factories import PLANS, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, Caller, Readback, code_of


def fresh_slug() -> str:
    return f"t-{uuid4().hex[:20]}"


async def enter(caller: Caller, sign_in: SignIn, made: httpx.Response) -> Caller:
    """Return the caller with a token for the new tenant."""
    tenant = TenantRow(id=UUID(made.json()["id"]), slug=made.json()["slug"], name=made.json()["name"])
    return Caller(caller.client, caller.user, tenant, await sign_in(caller.user, tenant))


class TestCreate:
    async def test_creates_a_tenant_on_the_free_plan_with_the_caller_as_owner(
        self, newcomer: Caller, sign_in: SignIn, readback: Readback
    ) -> None:
        slug = fresh_slug()
        answer = await newcomer.post("/tenants", {"slug": slug, "name": "Acme"})
        made = answer.json()
        assert answer.status_code == 201
        assert (made["slug"], made["name"], made["status"], made["plan"]) == (slug, "Acme", "active", "free")
        members = await readback(
            "select user_id, role, email from membership where tenant_id = :id", id=UUID(made["id"])
        )
        assert members == [{"user_id": newcomer.user.id, "role": "owner", "email": newcomer.user.email}]
        granted = await readback("select key, value from entitlement where tenant_id = :id", id=UUID(made["id"]))
        assert {"key": "racks", "value": 3} in granted
        owner = await enter(newcomer, sign_in, answer)
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert (found.json(), found.headers["etag"]) == (made, answer.headers["etag"])
        await owner.rack()

    async def test_is_also_for_members_of_other_tenants(self, viewer: Caller, readback: Readback) -> None:
        answer = await viewer.post("/tenants", {"slug": fresh_slug(), "name": "Mine"})
        assert answer.status_code == 201
        rows = await readback("select role from membership where user_id = :id order by created_at", id=viewer.user.id)
        assert rows == [{"role": "viewer"}, {"role": "owner"}]

    async def test_requires_authentication(self, newcomer: Caller) -> None:
        answer = await newcomer.client.post("/api/v1/tenants", json={"slug": fresh_slug(), "name": "Acme"})
        assert code_of(answer) == (401, "unauthenticated")

    async def test_refuses_a_slug_that_is_taken(self, newcomer: Caller, tenant: TenantRow, readback: Readback) -> None:
        answer = await newcomer.post("/tenants", {"slug": tenant.slug, "name": "Again"})
        assert code_of(answer) == (409, "slug_taken")
        assert await readback("select id from membership where user_id = :id", id=newcomer.user.id) == []

    async def test_only_one_of_many_concurrent_requests_for_a_slug_succeeds(
        self, newcomer: Caller, readback: Readback
    ) -> None:
        slug = fresh_slug()
        answers: list[int] = []

        async def create() -> None:
            answers.append((await newcomer.post("/tenants", {"slug": slug, "name": "Race"})).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(create)
        assert sorted(answers) == [201] + [409] * 7
        assert len(await readback("select id from membership where user_id = :id", id=newcomer.user.id)) == 1

    async def test_repeated_with_one_key_has_one_effect(self, newcomer: Caller, readback: Readback) -> None:
        body = {"slug": fresh_slug(), "name": "Acme"}
        first = await newcomer.post("/tenants", body, idempotency_key="k1")
        again = await newcomer.post("/tenants", body, idempotency_key="k1")
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        assert len(await readback("select id from tenant where slug = :slug", slug=body["slug"])) == 1

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": "Acme"}, "slug"),
            ({"slug": "acme-of-no-name"}, "name"),
            ({"slug": "admin", "name": "Acme"}, "slug"),
            ({"slug": "Acme", "name": "Acme"}, "slug"),
            ({"slug": "аcme", "name": "Acme"}, "slug"),  # noqa: RUF001 - a Cyrillic homoglyph
            ({"slug": "acme-of-long-name", "name": "x" * 121}, "name"),
        ],
    )
    async def test_refuses_invalid_values(self, newcomer: Caller, body: object, field: str) -> None:
        answer = await newcomer.post("/tenants", body)
        assert answer.status_code == 422
        assert [error["field"].split(".")[-1] for error in answer.json()["field_errors"]] == [field]


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_every_member(self, join: Join, tenant: TenantRow, role: str) -> None:
        answer = await (await join(tenant, role)).get("/tenant")
        assert (answer.status_code, answer.json()["id"]) == (200, str(tenant.id))

    async def test_needs_a_token_for_a_tenant(self, newcomer: Caller) -> None:
        assert code_of(await newcomer.get("/tenant")) == (403, "tenant_required")

    async def test_names_its_sunset_and_its_successor(self, owner: Caller) -> None:
        headers = (await owner.get("/tenant")).headers
        assert headers["deprecation"] == "@1795392000"
        assert headers["sunset"] == "Tue, 23 Nov 2027 00:00:00 GMT"
        assert headers["link"] == '</api/v2/tenant>; rel="successor-version"'
        document = (await owner.client.get("/api/openapi.json")).json()
        assert document["paths"]["/v1/tenant"]["get"]["deprecated"] is True
        assert "deprecated" not in document["paths"]["/v2/tenant"]["get"]


class TestReadV2:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_every_member(self, join: Join, tenant: TenantRow, role: str) -> None:
        caller = await join(tenant, role)
        answer = await caller.client.get("/api/v2/tenant", headers=caller.token)
        assert answer.status_code == 200
        assert "deprecation" not in answer.headers

    async def test_shows_the_entitlements_of_the_plan(self, owner: Caller) -> None:
        answer = await owner.client.get("/api/v2/tenant", headers=owner.token)
        first = await owner.get("/tenant")
        plan = answer.json()["plan"]
        assert plan == {"key": "pro", "entitlements": PLANS["pro"]}
        assert {**answer.json(), "plan": "pro"} == first.json()
        assert answer.headers["etag"] == first.headers["etag"]


class TestUpdate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str, readback: Readback) -> None:
        answer = await (await join(tenant, role)).patch("/tenant", {"name": "Renamed"})
        [row] = await readback("select name from tenant where id = :id", id=tenant.id)
        if role in {"owner", "admin"}:
            assert (answer.status_code, row["name"]) == (200, "Renamed")
        else:
            assert (answer.status_code, row["name"]) == (403, tenant.name)

    async def test_changes_no_other_tenant(self, owner: Caller, stranger: Caller) -> None:
        await owner.patch("/tenant", {"name": "Renamed"})
        assert (await stranger.get("/tenant")).json()["name"] == stranger.home.name

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        tag = (await owner.get("/tenant")).headers["etag"]
        assert (await owner.patch("/tenant", {"name": "First"}, if_match=tag)).status_code == 200
        assert code_of(await owner.patch("/tenant", {"name": "Second"}, if_match=tag)) == (412, "precondition_failed")
        assert (await owner.get("/tenant")).json()["name"] == "First"

    @pytest.mark.parametrize("body", [{"plan": "pro"}, {"status": "suspended"}, {"name": ""}, {"name": None}, []])
    async def test_refuses_fields_that_members_cannot_change(self, owner: Caller, body: object) -> None:
        assert (await owner.patch("/tenant", body)).status_code == 422
