"""The items of the demo tenants' projects."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import Demo, enter_tenant
from insula.core.ids import new_id
from insula.core.text.collation import sort_key

ITEMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Rocket skates": ("Find wheels", "Find rockets", "Find a volunteer"),
        "Giant magnet": ("Wind the coil", "Hide it by the road"),
        "Weather machine": ("Order clouds", "Name a price"),
    }
)

_ITEM: Final = text("""
    INSERT INTO project_item
        (tenant_id, id, project_id, title, title_key, body, status, position, created_at, updated_at, version)
    SELECT tenant_id, :id, id, :title, :title_key, '', 'open', :position, :now, :now, 1
    FROM project WHERE tenant_id = :tenant_id AND name = :project
""")


def seed(connection: Connection, demo: Demo) -> None:
    """Make the items of the new demo tenants' projects."""
    for tenant in demo.tenants:
        enter_tenant(connection, tenant.id)
        for project, titles in ITEMS.items():
            for position, title in enumerate(titles):
                item = {"id": new_id(), "title": title, "title_key": sort_key(title), "position": position}
                connection.execute(_ITEM, {**item, "tenant_id": tenant.id, "project": project, "now": demo.now})
