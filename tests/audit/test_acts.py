"""The apps record one event for each effect, in the chain of the tenant or of the platform."""

from typing import Any
from uuid import UUID

import httpx

from insula.audit import PLATFORM
from insula.core.settings import Settings
from tests.audit.support import Readback
from tests.support.app import PASSWORD, Live, SignIn, serving
from tests.support.factories import Factories
from tests.support.visitors import visitor_at

API = "/api/v1"


async def recorded(readback: Readback, answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the events of one request."""
    statement = "SELECT * FROM audit_event WHERE request_id = :id ORDER BY tenant_id, sequence"
    return await readback(statement, id=answer.headers["x-request-id"])


async def test_a_new_tenants_log_begins_with_its_creation(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    user = await make.user()
    body = {"slug": f"t-{user.id.hex[-12:]}", "name": "Acme"}
    answer = await client.post(f"{API}/tenants", json=body, headers=await sign_in(user))
    [act] = await recorded(readback, answer)
    tenant_id = UUID(answer.json()["id"])
    assert (act["tenant_id"], act["sequence"], act["action"]) == (tenant_id, 1, "tenant.created")
    assert (act["actor_kind"], act["actor_id"], act["object_id"]) == ("user", user.id, str(tenant_id))
    assert act["after"].items() >= {**body, "status": "active", "plan": "free", "owner": user.email}.items()


async def test_a_repeated_request_is_recorded_once(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    tenant = await make.tenant(plan="pro")
    headers = {**await sign_in(await make.member(tenant, "owner"), tenant), "Idempotency-Key": "once"}
    first = await client.post(f"{API}/racks", json={"name": "Website"}, headers=headers)
    again = await client.post(f"{API}/racks", json={"name": "Website"}, headers=headers)
    assert (first.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert len(await recorded(readback, first)) == 1
    assert await recorded(readback, again) == []


async def test_a_refused_request_is_not_recorded(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    tenant = await make.tenant(plan="pro")
    headers = await sign_in(await make.member(tenant, "owner"), tenant)
    made = await client.post(f"{API}/racks", json={"name": "Website"}, headers=headers)
    path = f"{API}/racks/{made.json()['id']}"
    refused = await client.patch(path, json={"name": "New"}, headers={**headers, "If-Match": '"7"'})
    assert refused.status_code == 412
    assert await recorded(readback, refused) == []
    done = await client.patch(path, json={"name": "New"}, headers={**headers, "If-Match": '"1"'})
    assert [event["action"] for event in await recorded(readback, done)] == ["rack.updated"]


async def test_a_bulk_create_writes_one_event_with_the_ids(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    tenant = await make.tenant(plan="pro")
    headers = await sign_in(await make.member(tenant, "owner"), tenant)
    made = await client.post(f"{API}/racks", json={"name": "Website"}, headers=headers)
    books = [{"title": str(number)} for number in range(3)]
    path = f"{API}/racks/{made.json()['id']}/books/bulk"
    answer = await client.post(path, json={"items": books}, headers=headers)
    [act] = await recorded(readback, answer)
    assert act["action"] == "books.created"
    assert act["after"] == {"rack_id": made.json()["id"], "count": 3, "ids": answer.json()["ids"]}


async def test_a_staff_action_on_a_tenant_is_in_the_tenants_log(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    tenant, staff = await make.tenant(), await make.staff()
    owner = await make.member(tenant, "owner")
    headers = await sign_in(staff, None, "admin")
    for verb, before, after in (("suspend", "active", "suspended"), ("reactivate", "suspended", "active")):
        answer = await client.post(f"/admin/v1/tenants/{tenant.id}/{verb}", headers=headers)
        [act] = await recorded(readback, answer)
        assert (act["tenant_id"], act["actor_kind"], act["actor_id"]) == (tenant.id, "staff", staff.id)
        assert (act["before"], act["after"]) == ({"status": before}, {"status": after})
    log = await client.get(f"{API}/audit-events", headers=await sign_in(owner, tenant))
    assert [event["action"] for event in log.json()["items"]] == ["tenant.reactivated", "tenant.suspended"]


async def test_a_staff_action_on_a_user_is_in_the_platforms_log(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    user, staff = await make.user(), await make.staff()
    answer = await client.post(f"/admin/v1/users/{user.id}/suspend", headers=await sign_in(staff, None, "admin"))
    [act] = await recorded(readback, answer)
    assert (act["tenant_id"], act["action"], act["object_id"]) == (PLATFORM, "user.suspended", str(user.id))


async def test_logins_and_logouts_are_in_the_platforms_log(
    live: Live, settings: Settings, make: Factories, readback: Readback
) -> None:
    user = await make.user(password=PASSWORD)
    async with visitor_at(live, settings) as visitor:
        mine = await visitor.login(user.email)
        following = await visitor.refresh(mine.json()["refresh_token"])
        await visitor.refresh(following.json()["refresh_token"])
        reused = await visitor.refresh(mine.json()["refresh_token"])
        assert reused.status_code == 401
        other = await visitor.login(user.email)
        for _ in range(2):
            await visitor.logout(other.json()["refresh_token"])
        assert (await visitor.login(user.email, password="wrong")).status_code == 401
    statement = "SELECT * FROM audit_event WHERE tenant_id = :chain AND after ->> 'user_id' = :id ORDER BY sequence"
    acts = await readback(statement, chain=PLATFORM, id=str(user.id))
    assert [(act["action"], act["actor_kind"], act["actor_id"], act["actor_label"]) for act in acts] == [
        ("session.opened", "user", user.id, user.email),
        ("session.reuse_revoked", "system", None, None),
        ("session.opened", "user", user.id, user.email),
        ("session.closed", "user", user.id, None),
    ]
    assert acts[0]["request_id"] == mine.headers["x-request-id"]
    assert {act["object_type"] for act in acts} == {"session"}
    assert acts[0]["object_id"] == acts[1]["object_id"] != acts[2]["object_id"] == acts[3]["object_id"]


async def test_x_forwarded_for_counts_from_a_trusted_proxy_only(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback, settings: Settings
) -> None:
    tenant = await make.tenant(plan="pro")
    headers = {**await sign_in(await make.member(tenant, "owner"), tenant), "X-Forwarded-For": "192.0.2.66"}
    poisoned = await client.post(f"{API}/racks", json={"name": "Website"}, headers=headers)
    [direct] = await recorded(readback, poisoned)
    with serving(settings, INSULA_HTTP_TRUSTED_PROXIES="127.0.0.1") as url:
        forwarded = httpx.post(f"{url}{API}/racks", json={"name": "Shop"}, headers=headers)
    [proxied] = await recorded(readback, forwarded)
    assert (direct["address"], proxied["address"]) == ("127.0.0.1", "192.0.2.66")
