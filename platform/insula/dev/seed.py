"""Creates two demo tenants with users, the demo rows of every resource, and the OAuth client of the docs pages.

Repeatable: existing rows stay unchanged.

Runs as the owner in one transaction: it writes rows of all apps, which no app's role may do.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import Demo, DemoTenant, Installation
from insula.core import clock
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.core.text.collation import sort_key
from insula.db.migrate.run import as_owner
from insula.db.schema.entering import enter_tenant
from insula.identity import hash_password
from insula.identity.oauth.registration import ClientKind, Grant
from insula.site.docs import REDIRECT

PASSWORD: Final = "insula-demo"  # noqa: S105  a known password, never in production
BOTH: Final = "both@insula.example"
STAFF: Final = "staff@insula.example"
DOCS_CLIENT: Final = UUID("019ab2c4-9e00-7d0c-8000-000000000001")
"""The public OAuth client with which the docs pages of a developer's machine sign in."""
ROLES: Final = ("owner", "admin", "member", "viewer")


class _Tenant(NamedTuple):
    slug: str
    name: str
    plan: str


TENANTS: Final = (_Tenant("acme", "Acme", "pro"), _Tenant("globex", "Globex", "free"))

_STAFF: Final = text("""
    INSERT INTO staff (user_id, role, created_at) SELECT id, 'superuser', :now FROM "user" WHERE email = :email
    ON CONFLICT DO NOTHING
""")
_MISSING: Final = text("SELECT NOT EXISTS (SELECT FROM tenant WHERE slug = :slug)")
_TENANT: Final = text("""
    INSERT INTO tenant (id, slug, name, name_key, status, plan, created_at, updated_at, version)
    VALUES (:id, :slug, :name, :name_key, 'active', :plan, :now, :now, 1)
""")
_CLIENT: Final = text("""
    INSERT INTO first_party_client
        (id, name, name_key, kind, redirect_uris, grants, created_at, updated_at, version)
    VALUES (:id, :name, :name_key, :kind, :redirect_uris, :grants, :now, :now, 1) ON CONFLICT DO NOTHING
""")


def members() -> dict[str, list[str]]:
    """Return the slugs of the demo tenants of each demo member, by email address."""
    found: dict[str, list[str]] = {}
    for tenant in TENANTS:
        for _, email in _people(tenant.slug):
            found.setdefault(email, []).append(tenant.slug)
    return found


def seed(settings: Settings, installation: Installation) -> None:
    """Create the missing demo tenants, and the client of the docs pages. The database must be migrated."""
    password_hash = asyncio.run(hash_password(PASSWORD))
    redirect_uri = f"{settings.public_url.rstrip('/')}{REDIRECT}"
    seeding = partial(_seed, installation=installation, password_hash=password_hash, redirect_uri=redirect_uri)
    as_owner(settings, seeding)


def _seed(connection: Connection, installation: Installation, password_hash: str, redirect_uri: str) -> None:
    missing = [tenant for tenant in TENANTS if connection.execute(_MISSING, {"slug": tenant.slug}).scalar_one()]
    made = [DemoTenant(new_id(), tenant.slug, tenant.plan) for tenant in missing]
    demo = Demo(made, installation.assignable, password_hash, clock.now())
    if made:
        _add_staff(connection, demo)
    for tenant, row in zip(missing, made, strict=True):
        _add_tenant(connection, demo, row, tenant.name)
    for add_rows in installation.seeds:
        add_rows(connection, demo)
    _add_client(connection, demo, redirect_uri)
    connection.commit()


def _add_staff(connection: Connection, demo: Demo) -> None:
    demo.add_user(connection, STAFF)
    connection.execute(_STAFF, {"email": STAFF, "now": demo.now})


def _add_client(connection: Connection, demo: Demo, redirect_uri: str) -> None:
    name = "Docs pages"
    row = {"id": DOCS_CLIENT, "name": name, "name_key": sort_key(name), "kind": ClientKind.PUBLIC}
    row |= {"redirect_uris": [redirect_uri], "grants": [Grant.AUTHORIZATION_CODE], "now": demo.now}
    connection.execute(_CLIENT, row)


def _add_tenant(connection: Connection, demo: Demo, tenant: DemoTenant, name: str) -> None:
    enter_tenant(connection, tenant.id)
    row = {"id": tenant.id, "slug": tenant.slug, "plan": tenant.plan, "now": demo.now}
    connection.execute(_TENANT, {**row, "name": name, "name_key": sort_key(name)})
    for role, email in _people(tenant.slug):
        demo.add_member(connection, tenant, email, role)


def _people(slug: str) -> Sequence[tuple[str, str]]:
    """Return the role and email address of each demo member of a tenant."""
    return [*((role, f"{role}@{slug}.example") for role in ROLES), ("member", BOTH)]
