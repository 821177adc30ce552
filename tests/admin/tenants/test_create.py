"""Staff create tenants."""

import asyncio

import httpx
import pytest

from insula.core.ids import new_id
from tests.support.app import SignIn
from tests.support.factories import PLANS, Factories, TenantRow, UserRow
from tests.support.provider import Readback, plan_of
from tests.support.staff import Caller, Hire, code_of


def body(owner: UserRow, **changes: object) -> dict[str, object]:
    return {"slug": f"s-{new_id().hex}", "name": "Made", "owner_id": str(owner.id), **changes}


@pytest.mark.parametrize("plan", ["free", "pro"])
async def test_a_tenant_starts_on_its_plan_with_its_owner(
    superuser: Caller,
    client: httpx.AsyncClient,
    user: UserRow,
    sign_in: SignIn,
    readback: Readback,
    plan: str,
) -> None:
    sent = body(user, owner_email=user.email.upper(), plan=plan)
    del sent["owner_id"]

    made = await superuser.send("POST", "/tenants", sent)

    assert (made.status_code, made.json()["slug"], made.json()["plan"]) == (201, sent["slug"], plan)
    assert made.headers["location"] == f"/admin/v1/tenants/{made.json()['id']}"
    tenant = TenantRow(id=made.json()["id"], slug=str(sent["slug"]), name="Made")
    assert await plan_of(readback, tenant) == plan
    seen = (await client.get("/api/v2/tenant", headers=await sign_in(user, tenant))).json()
    assert seen["plan"]["entitlements"] == PLANS[plan]
    assert await readback("select email, role from membership where tenant_id = :id", id=tenant.id) == [
        {"email": user.email, "role": "owner"}
    ]
    acts = await readback("select action, actor_kind, actor_id from audit_event where tenant_id = :id", id=tenant.id)
    assert acts == [{"action": "tenant.created", "actor_kind": "staff", "actor_id": superuser.user.id}]


async def test_a_refused_tenant_leaves_no_rows(
    superuser: Caller, make: Factories, user: UserRow, readback: Readback
) -> None:
    taken = await make.tenant()
    suspended = await make.user(status="suspended")
    slug = f"s-{new_id().hex}"
    for changes, problem in (
        ({"slug": taken.slug}, (409, "slug_taken")),
        ({"slug": "admin"}, (422, "invalid_request")),
        ({"slug": "Caps"}, (422, "invalid_request")),
        ({"plan": "platinum"}, (404, "plan_unknown")),
        ({"owner_id": str(new_id())}, (404, "user_not_found")),
        ({"owner_id": str(suspended.id)}, (409, "user_unfit")),
        ({"owner_email": user.email}, (422, "invalid_request")),
        ({"owner_id": None}, (422, "invalid_request")),
        ({"tenant_id": str(new_id())}, (422, "invalid_request")),
    ):
        assert code_of(await superuser.send("POST", "/tenants", {**body(user), "slug": slug, **changes})) == problem

    assert await readback("select id from tenant where slug = :slug", slug=slug) == []
    assert (await superuser.send("POST", "/tenants", body(user, slug=slug))).status_code == 201


async def test_ten_concurrent_requests_create_one_tenant(superuser: Caller, user: UserRow) -> None:
    sent = body(user)

    answers = await asyncio.gather(*(superuser.send("POST", "/tenants", sent) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_support_and_auditors_may_not_create_tenants(hire: Hire, superuser: Caller, user: UserRow) -> None:
    for role in ("support", "auditor"):
        assert code_of(await (await hire(role)).send("POST", "/tenants", body(user))) == (403, "forbidden")
    assert (await superuser.send("POST", "/tenants", body(user))).status_code == 201
