"""Attacks every route of the four apps with another tenant's token and ids.

What attacking a route needs is derived: see ``world``. A route that none of this covers fails here,
and so does one whose rightful caller is refused: a refusal counts only beside a control that succeeded.
"""

from uuid import UUID

import httpx
import pytest

from insula.http.access import PersonalGuard, StaffGuard, TenantGuard
from insula.ids import new_id
from tests.isolation.answers import same_answer
from tests.isolation.world import ROUTES, Readback, World, body_of, fingerprint, guarded, path_of


class TestEveryRoute:
    def test_is_guarded_or_declared_public(self) -> None:
        assert [name for name, route in ROUTES.items() if route.guard is None and not route.public] == []

    def test_every_declared_public_route_exists(self) -> None:
        assert [route.name for route in ROUTES.values() if route.public and route.guard is not None] == []

    def test_none_is_a_websocket_without_an_attack(self) -> None:
        assert [name for name, route in ROUTES.items() if route.method == "WEBSOCKET"] == []


@pytest.mark.parametrize("name", guarded(TenantGuard))
async def test_tenant_route_gives_nothing_to_another_tenant(name: str, world: World, readback: Readback) -> None:
    route = ROUTES[name]
    body = body_of(route, world.ids)
    path, nowhere = path_of(route, world.ids), path_of(route, dict.fromkeys(world.ids, str(new_id())))
    attacker = await world.headers(world.a_owner, world.a, route.app)
    rightful = await world.headers(world.b_owner, world.b, route.app)

    async def call(url: str, headers: dict[str, str]) -> httpx.Response:
        return await world.client.request(route.method, url, json=body, headers=headers)

    before = await fingerprint(readback, world.b)
    answers = [await call(path, {**attacker, "X-Tenant": hint}) for hint in (world.b.slug, str(world.b.id), "nobody")]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "tenant_conflict")}
    host = await call(path, {**attacker, "Host": f"{world.b.slug}.{world.sign_in.kernel.settings.base_domain}"})
    assert (host.status_code, host.json()["code"]) == (403, "tenant_conflict")
    anonymous = await call(path, {})
    assert anonymous.status_code == 401
    other_app = "billing" if route.app == "tenants" else "tenants"
    wrong_audience = await call(path, await world.headers(world.b_owner, world.b, other_app))
    assert wrong_audience.status_code == 401
    answers += [host, anonymous, wrong_audience]
    foreign = await call(path, attacker)
    if path != nowhere:
        assert foreign.status_code == 404
        assert same_answer(foreign, await call(nowhere, attacker))
    answers.append(foreign)
    for answer in answers:
        seen = answer.text + repr(answer.headers.multi_items())
        assert world.canary not in seen
        assert UUID(world.ids["project_id"]).hex not in seen.replace("-", "") or path != nowhere
    assert await fingerprint(readback, world.b) == before

    control = await call(path, {**rightful, "X-Tenant": world.b.slug})
    assert control.is_success, f"{name}: the rightful caller got {control.status_code} {control.text}"


@pytest.mark.parametrize("name", guarded(PersonalGuard))
async def test_personal_route_needs_a_person(name: str, world: World) -> None:
    route = ROUTES[name]
    path, body = path_of(route, world.ids), body_of(route, world.ids)
    anonymous = await world.client.request(route.method, path, json=body)
    assert anonymous.status_code == 401
    wrong = await world.client.request(
        route.method, path, json=body, headers=await world.headers(world.a_owner, world.a, "billing")
    )
    assert wrong.status_code == 401
    mine = await world.client.request(
        route.method, path, json=body, headers=await world.headers(world.a_owner, None, route.app)
    )
    assert mine.is_success, f"{name}: the rightful caller got {mine.status_code} {mine.text}"
    assert world.canary not in mine.text


@pytest.mark.parametrize("name", guarded(StaffGuard))
async def test_staff_route_refuses_tenants(name: str, world: World, readback: Readback) -> None:
    route = ROUTES[name]
    path, body = path_of(route, world.ids), body_of(route, world.ids)
    before = await fingerprint(readback, world.b)
    for headers in (
        {},
        await world.headers(world.a_owner, world.a, "tenants"),
        await world.headers(world.staff, None, "tenants"),
    ):
        assert (await world.client.request(route.method, path, json=body, headers=headers)).status_code == 401
    for user in (world.a_owner, world.b_owner):
        refused = await world.client.request(
            route.method, path, json=body, headers=await world.headers(user, None, "admin")
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await fingerprint(readback, world.b) == before
    control = await world.client.request(
        route.method, path, json=body, headers=await world.headers(world.staff, None, "admin")
    )
    assert control.is_success, f"{name}: staff got {control.status_code} {control.text}"
