"""The demo tenants' projects, and a custom role of acme for the member who leads them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import Demo, DemoTenant, enter_tenant
from insula.core.ids import new_id
from insula.core.text.collation import sort_key

PROJECTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"acme": ("Rocket skates", "Giant magnet"), "globex": ("Weather machine", "Volcano lair")}
)
LEADER: Final = "lead@acme.example"
LEADS: Final = (
    *("tenant:read", "plan:read", "member:read", "member:leave", "item:read"),
    *("project:read", "project:create", "project:update", "project:delete"),
)

_PROJECT: Final = text("""
    INSERT INTO project (tenant_id, id, name, name_key, description, status, created_at, updated_at, version)
    VALUES (:tenant_id, :id, :name, :name_key, '', 'active', :now, :now, 1)
""")
_ROLE: Final = text("""
    INSERT INTO custom_role (tenant_id, id, key, name, description, permissions, created_at, updated_at, version)
    VALUES (:tenant_id, :id, 'lead', 'Project lead', '', :permissions, :now, :now, 1)
""")


def seed(connection: Connection, demo: Demo) -> None:
    """Make the projects of the new tenants."""
    for tenant in demo.tenants:
        enter_tenant(connection, tenant.id)
        if LEADER.endswith(f"@{tenant.slug}.example"):
            _add_leader(connection, demo, tenant)
        for name in PROJECTS.get(tenant.slug, ()):
            project = {"tenant_id": tenant.id, "id": new_id(), "name": name, "name_key": sort_key(name)}
            connection.execute(_PROJECT, {**project, "now": demo.now})


def _add_leader(connection: Connection, demo: Demo, tenant: DemoTenant) -> None:
    permissions = [action for action in LEADS if action in demo.assignable]
    role = {"tenant_id": tenant.id, "id": new_id(), "permissions": permissions, "now": demo.now}
    connection.execute(_ROLE, role)
    demo.add_member(connection, tenant, LEADER, "lead")
