"""Two tenants, and how to call any route of the four apps in their names.

What calling a route needs is derived: the caller from its guard, the ids from its path, the body
from its schema's example.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx

from billing.models import EntitlementOverride, WebhookEvent
from insula import clock
from insula.asgi import create_app
from insula.http.access import PersonalGuard, StaffGuard
from insula.settings import Settings
from insula.tenancy import CHALLENGE
from tests.isolation.routes import LiveRoute, routes_of
from tests.support.app import PASSWORD, AppName, SignIn
from tests.support.dns import NameServer
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

    async def rightful(self, route: LiveRoute) -> tuple[UserRow, dict[str, str]]:
        """Return who may call ``route`` on B's things, and with which headers."""
        if isinstance(route.guard, StaffGuard):
            return self.staff, await self.headers(self.staff, None, route.app)
        if isinstance(route.guard, PersonalGuard):
            return self.a_owner, await self.headers(self.a_owner, None, route.app)
        return self.b_owner, await self.headers(self.b_owner, self.b, route.app)


async def build(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, names: NameServer) -> World:
    """Make both tenants and everything in B, through the apps."""
    a = await make.tenant(plan="pro")
    a_owner, b_owner = await make.member(a, role="owner", user=await make.user(password=PASSWORD)), await make.user()
    slug = f"b-{uuid4().hex}"
    created = await client.post("/api/v1/tenants", json={"slug": slug, "name": slug}, headers=await sign_in(b_owner))
    assert created.status_code == 201, created.text
    b = TenantRow(id=UUID(created.json()["id"]), slug=slug, name=slug)
    canary = f"canary-{uuid4().hex}"
    world = World(client, sign_in, a, a_owner, b, b_owner, await make.staff(role="superuser"), canary)
    owner = await sign_in(b_owner, b)
    project = await client.post("/api/v1/projects", json={"name": canary}, headers=owner)
    item = await client.post(f"/api/v1/projects/{project.json()['id']}/items", json={"title": canary}, headers=owner)
    await make.member(b, role="owner")  # so that the first may leave
    member = await make.membership(b)
    invitation, token = await make.invitation(b, b_owner, to=a_owner.email)
    key = await make.api_key(b, "project:read")
    domain = await make.domain(b, f"{slug}.example.com", verified=False)
    names.publish(f"{CHALLENGE}.{domain.host}", domain.token)
    world.ids = {
        "project_id": project.json()["id"],
        "item_id": item.json()["id"],
        "tenant_id": str(b.id),
        "user_id": str(b_owner.id),
        "session_id": str(await make.session(a_owner)),
        "member_id": str(member.id),
        "role_id": str((await make.role(b, "project:read")).id),
        "invitation_id": str(invitation.id),
        "token": token,
        "key_id": str(key.id),
        "domain_id": str(domain.id),
        **await _staffs(make, b, b_owner),
    }
    return world


async def _staffs(make: Factories, b: TenantRow, b_owner: UserRow) -> dict[str, str]:
    """Make what staff act on, of B's and of the platform's."""
    override = EntitlementOverride(tenant_id=b.id, key="projects", value=9, reason="Agreed", created_by=b_owner.id)
    await make.insert(override)
    event = WebhookEvent(
        provider="stripe",
        event_id=f"evt_{uuid4().hex}",
        type="x",
        payload={},
        status="dead",
        attempts=8,
        next_attempt_at=clock.now(),
        received_at=clock.now(),
    )
    await make.insert(event)
    return {
        "entitlement_key": override.key,
        "event_id": str(event.id),
        "job_id": str(await make.job()),
        "owner_email": b_owner.email,
        "login_id": str(await make.session(b_owner)),
        "staff_id": str((await make.staff("support")).id),
    }


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


def body_of(route: LiveRoute, ids: dict[str, str]) -> dict[str, object] | None:
    """Return the first example of the route's body schema, made unique where names are, with these ids in it."""
    if route.body is None:
        return None
    examples = route.body.model_json_schema().get("examples")
    assert examples, f"{route.name}: its body's schema has no example to attack with"
    unique = {
        "slug": f"walker-{uuid4().hex[:12]}",
        "name": f"Walker {uuid4().hex[:8]}",
        "host": f"{uuid4().hex}.example.com",
        "key": f"walker-{uuid4().hex[:12]}",
        **ids,
    }
    return {name: unique.get(name, value) for name, value in examples[0].items()}


def path_of(route: LiveRoute, ids: dict[str, str]) -> str:
    """Return the route's path with these ids in it."""
    missing = set(PARAMETER.findall(route.template)) - set(ids)
    assert not missing, f"{route.name}: say in `World.ids` how to make {', '.join(sorted(missing))}"
    return route.mount + PARAMETER.sub(lambda match: ids[match[1]], route.template)


def guarded(kind: type) -> list[str]:
    """Return the names of the routes that this kind of guard stands before."""
    return sorted(name for name, route in ROUTES.items() if isinstance(route.guard, kind))
