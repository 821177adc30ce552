"""Attacks every route of the four apps with another tenant's token and ids.

What attacking a route needs is derived: the caller from its guard, the ids from its path, the
body from its schema's example. A route that none of this covers fails here, and so does one whose
rightful caller is refused: a refusal counts only beside a control that succeeded.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx
import pytest

from insula.asgi import create_app
from insula.http.access import PersonalGuard, StaffGuard, TenantGuard
from insula.ids import new_id
from insula.settings import Settings
from tests.isolation.routes import LiveRoute, routes_of
from tests.support.app import AppName, SignIn
from tests.support.factories import Factories, TenantRow, UserRow

ROUTES = {
    route.name: route
    for route in routes_of(
        create_app(Settings(environment="test", database_url="postgresql://x/y", redis_url="redis://x"))
    )
}
Readback = Callable[..., Awaitable[list[dict[str, Any]]]]
PARAMETER = re.compile(r"{(\w+)}")


@dataclass
class World:
    """Tenant A, which attacks, and tenant B, which has one of everything, marked by a canary."""

    client: httpx.AsyncClient
    sign_in: SignIn
    a: TenantRow
    a_owner: UserRow
    b: TenantRow
    b_owner: UserRow
    staff: UserRow
    canary: str
    ids: dict[str, str] = field(default_factory=dict)

    async def headers(self, user: UserRow, tenant: TenantRow | None, app: str) -> dict[str, str]:
        name = next(name for name in get_args(AppName) if name == app)
        return await self.sign_in(user, tenant, name)


@pytest.fixture
async def world(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> World:
    a = await make.tenant(plan="pro")
    a_owner, b_owner = await make.member(a, role="owner"), await make.user()
    slug = f"b-{uuid4().hex}"
    created = await client.post("/api/v1/tenants", json={"slug": slug, "name": slug}, headers=await sign_in(b_owner))
    assert created.status_code == 201, created.text
    b = TenantRow(id=UUID(created.json()["id"]), slug=slug, name=slug)
    canary = f"canary-{uuid4().hex}"
    world = World(client, sign_in, a, a_owner, b, b_owner, await make.staff(role="superuser"), canary)
    owner = await sign_in(b_owner, b)
    project = await client.post("/api/v1/projects", json={"name": canary}, headers=owner)
    item = await client.post(f"/api/v1/projects/{project.json()['id']}/items", json={"title": canary}, headers=owner)
    world.ids = {
        "project_id": project.json()["id"],
        "item_id": item.json()["id"],
        "tenant_id": str(b.id),
        "user_id": str(b_owner.id),
    }
    return world


async def fingerprint(readback: Readback, tenant: TenantRow) -> dict[str, str]:
    """Return a hash of all rows of ``tenant``, table by table."""
    tables = await readback(
        "select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where a.attname = 'tenant_id' and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
    )
    found = {}
    for table in [*(row["name"] for row in tables), "tenant"]:
        key = "id" if table == "tenant" else "tenant_id"
        hashed = "md5(coalesce(string_agg(t::text, '|' order by t::text), ''))"
        statement = f'select {hashed} as hash from "{table}" t where {key} = :id'  # noqa: S608 - the catalogue's names
        rows = await readback(statement, id=tenant.id)
        found[table] = rows[0]["hash"]
    return found


def body_of(route: LiveRoute) -> dict[str, object] | None:
    """Return the first example of the route's body schema, made unique where names are."""
    if route.body is None:
        return None
    examples = route.body.model_json_schema().get("examples")
    assert examples, f"{route.name}: its body's schema has no example to attack with"
    unique = {"slug": f"walker-{uuid4().hex[:12]}", "name": f"Walker {uuid4().hex[:8]}"}
    return {name: unique.get(name, value) for name, value in examples[0].items()}


def path_of(route: LiveRoute, ids: dict[str, str]) -> str:
    missing = set(PARAMETER.findall(route.template)) - set(ids)
    assert not missing, f"{route.name}: say in `World.ids` how to make {', '.join(sorted(missing))}"
    return route.mount + PARAMETER.sub(lambda match: ids[match[1]], route.template)


def same_answer(one: httpx.Response, other: httpx.Response) -> bool:
    """Whether two answers differ in nothing but request id and date."""
    bodies = [re.sub(r'"instance": ?"[^"]*"', "", answer.text) for answer in (one, other)]
    ignored = {"x-request-id", "date", "server-timing", "ratelimit", "content-length"}
    headers = [{k: v for k, v in answer.headers.items() if k not in ignored} for answer in (one, other)]
    return one.status_code == other.status_code and bodies[0] == bodies[1] and headers[0] == headers[1]


class TestEveryRoute:
    def test_is_guarded_or_declared_public(self) -> None:
        assert [name for name, route in ROUTES.items() if route.guard is None and not route.public] == []

    def test_every_declared_public_route_exists(self) -> None:
        assert [route.name for route in ROUTES.values() if route.public and route.guard is not None] == []

    def test_none_is_a_websocket_without_an_attack(self) -> None:
        assert [name for name, route in ROUTES.items() if route.method == "WEBSOCKET"] == []


def guarded(kind: type) -> list[str]:
    return sorted(name for name, route in ROUTES.items() if isinstance(route.guard, kind))


@pytest.mark.parametrize("name", guarded(TenantGuard))
async def test_tenant_route_gives_nothing_to_another_tenant(name: str, world: World, readback: Readback) -> None:
    route = ROUTES[name]
    body = body_of(route)
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
    path, body = path_of(route, world.ids), body_of(route)
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
    path, body = path_of(route, world.ids), body_of(route)
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
