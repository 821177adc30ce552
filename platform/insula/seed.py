"""Two demo tenants with people and work in them. Repeatable: what is there stays as it is.

Runs as the owner, in SQL: it makes rows of every app at once, which no app's role may.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula import clock
from insula.auth import hash_password
from insula.db.migrate import as_owner
from insula.ids import new_id
from insula.settings import Settings
from insula.text.collation import sort_key

PASSWORD: Final = "insula-demo"  # noqa: S105  a known password, for accounts that production never has
BOTH: Final = "both@insula.example"
STAFF: Final = "staff@insula.example"
CUSTOMERS: Final = (("globex", "cus_demo_globex"),)
"""Tenants whom the payment provider knows, so that a webhook of its finds them."""


@dataclass(frozen=True, slots=True)
class _Role:
    key: str
    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Demo:
    slug: str
    name: str
    plan: str
    projects: tuple[tuple[str, tuple[str, ...]], ...]
    own_roles: tuple[_Role, ...] = ()


_LEADS: Final = (
    *("tenant:read", "plan:read", "member:read", "member:leave", "item:read"),
    *("project:read", "project:create", "project:update", "project:delete"),
)
TENANTS: Final = (
    _Demo(
        "acme",
        "Acme",
        "pro",
        (
            ("Rocket skates", ("Find wheels", "Find rockets", "Find a volunteer")),
            ("Giant magnet", ("Wind the coil", "Hide it by the road")),
        ),
        (_Role("lead", "Project lead", _LEADS),),
    ),
    _Demo("globex", "Globex", "free", (("Weather machine", ("Order clouds", "Name a price")), ("Volcano lair", ()))),
)
ROLES: Final = ("owner", "admin", "member", "viewer")

_USER: Final = text("""
    INSERT INTO "user" (id, email, name, name_key, status, email_verified_at, created_at, updated_at, version)
    VALUES (:id, :email, :name, :name_key, 'active', :now, :now, :now, 1) ON CONFLICT (email) DO NOTHING RETURNING id
""")
_CREDENTIAL: Final = text(
    "INSERT INTO credential (user_id, password_hash, updated_at) VALUES (:user_id, :password_hash, :now)"
)
_STAFF: Final = text("""
    INSERT INTO staff (user_id, role, created_at) SELECT id, 'superuser', :now FROM "user" WHERE email = :email
    ON CONFLICT DO NOTHING
""")
_MISSING: Final = text("SELECT NOT EXISTS (SELECT FROM tenant WHERE slug = :slug)")
_ACT_FOR: Final = text("SELECT set_config('app.tenant_id', :tenant_id, true)")
_TENANT: Final = text("""
    INSERT INTO tenant (id, slug, name, name_key, status, plan, created_at, updated_at, version)
    VALUES (:tenant_id, :slug, :name, :name_key, 'active', :plan, :now, :now, 1)
""")
_SUBSCRIPTION: Final = text("""
    INSERT INTO subscription (tenant_id, id, plan_key, status, created_at, updated_at, version)
    VALUES (:tenant_id, :id, :plan, 'active', :now, :now, 1)
""")
_ENTITLEMENTS: Final = text("""
    INSERT INTO entitlement (tenant_id, key, value, updated_at)
    SELECT :tenant_id, granted.key, granted.value::bigint, :now
    FROM plan, jsonb_each_text(plan.entitlements) AS granted WHERE plan.key = :plan
""")
_FOUND: Final = text("SELECT id FROM tenant WHERE slug = :slug")
_CUSTOMER: Final = text("""
    INSERT INTO billing_customer (tenant_id, id, provider, provider_customer_id, created_at, updated_at, version)
    VALUES (:tenant_id, :id, 'stripe', :customer, :now, :now, 1) ON CONFLICT DO NOTHING
""")
_MEMBER: Final = text("""
    INSERT INTO membership (tenant_id, id, user_id, role, email, name, name_key, created_at, updated_at, version)
    SELECT :tenant_id, :id, id, :role, email, name, name_key, :now, :now, 1 FROM "user" WHERE email = :email
""")
_OWN_ROLE: Final = text("""
    INSERT INTO custom_role (tenant_id, id, key, name, description, permissions, created_at, updated_at, version)
    VALUES (:tenant_id, :id, :key, :name, '', :permissions, :now, :now, 1)
""")
_PROJECT: Final = text("""
    INSERT INTO project (tenant_id, id, name, name_key, description, status, created_at, updated_at, version)
    VALUES (:tenant_id, :id, :name, :name_key, '', 'active', :now, :now, 1)
""")
_ITEM: Final = text("""
    INSERT INTO project_item
        (tenant_id, id, project_id, title, title_key, body, status, position, created_at, updated_at, version)
    VALUES (:tenant_id, :id, :project_id, :title, :title_key, '', 'open', :position, :now, :now, 1)
""")


def seed(settings: Settings) -> None:
    """Make what is missing of the demo tenants. The database must be migrated."""
    password_hash = asyncio.run(hash_password(PASSWORD))
    as_owner(settings, partial(_seed, password_hash=password_hash))


def _seed(connection: Connection, password_hash: str) -> None:
    now = clock.now()
    missing = [demo for demo in TENANTS if connection.execute(_MISSING, {"slug": demo.slug}).scalar_one()]
    if missing:
        people = [email for demo in TENANTS for _, email in _people(demo)]
        for email in (*people, STAFF):
            _add_user(connection, email, password_hash, now)
        connection.execute(_STAFF, {"email": STAFF, "now": now})
    for demo in missing:
        _add_tenant(connection, demo, now)
    for slug, customer in CUSTOMERS:
        _add_customer(connection, slug, customer, now)
    connection.commit()


def _add_user(connection: Connection, email: str, password_hash: str, now: datetime) -> None:
    name = email.partition(".")[0].replace("@", " of ").title().replace(" Of ", " of ")
    user = {"id": new_id(), "email": email, "name": name, "name_key": sort_key(name), "now": now}
    made = connection.execute(_USER, user).scalar_one_or_none()
    if made is not None:
        connection.execute(_CREDENTIAL, {"user_id": made, "password_hash": password_hash, "now": now})


def _people(demo: _Demo) -> list[tuple[str, str]]:
    """Return the roles in the tenant and who has them."""
    names = [*ROLES, *(own.key for own in demo.own_roles)]
    return [*((name, f"{name}@{demo.slug}.example") for name in names), ("member", BOTH)]


def _add_tenant(connection: Connection, demo: _Demo, now: datetime) -> None:
    tenant_id = new_id()
    connection.execute(_ACT_FOR, {"tenant_id": str(tenant_id)})
    shared = {"tenant_id": tenant_id, "plan": demo.plan, "now": now}
    connection.execute(_TENANT, {**shared, "slug": demo.slug, "name": demo.name, "name_key": sort_key(demo.name)})
    connection.execute(_SUBSCRIPTION, {**shared, "id": new_id()})
    connection.execute(_ENTITLEMENTS, shared)
    for own in demo.own_roles:
        values = {"key": own.key, "name": own.name, "permissions": list(own.permissions)}
        connection.execute(_OWN_ROLE, {**shared, "id": new_id(), **values})
    for role, email in _people(demo):
        connection.execute(_MEMBER, {**shared, "id": new_id(), "role": role, "email": email})
    for name, titles in demo.projects:
        _add_project(connection, tenant_id, name, titles, now)


def _add_customer(connection: Connection, slug: str, customer: str, now: datetime) -> None:
    tenant_id = connection.execute(_FOUND, {"slug": slug}).scalar_one_or_none()
    if tenant_id is not None:
        connection.execute(_ACT_FOR, {"tenant_id": str(tenant_id)})
        connection.execute(_CUSTOMER, {"tenant_id": tenant_id, "id": new_id(), "customer": customer, "now": now})


def _add_project(connection: Connection, tenant_id: UUID, name: str, titles: tuple[str, ...], now: datetime) -> None:
    project_id = new_id()
    shared = {"tenant_id": tenant_id, "now": now}
    connection.execute(_PROJECT, {**shared, "id": project_id, "name": name, "name_key": sort_key(name)})
    for position, title in enumerate(titles):
        item = {**shared, "id": new_id(), "project_id": project_id, "position": position}
        connection.execute(_ITEM, {**item, "title": title, "title_key": sort_key(title)})
