"""Statements of the owner role, one tenant after another: row-level security applies to the owner too."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Connection

_TENANTS: Final = text("SELECT id FROM tenant ORDER BY id")
_ENTER: Final = text("SELECT set_config('app.tenant_id', :id, true)")


def enter_tenant(connection: Connection, tenant_id: UUID | None) -> None:
    """Give the transaction's next statements the rows of this tenant; with None, of no tenant."""
    connection.execute(_ENTER, {"id": "" if tenant_id is None else str(tenant_id)})


def tenants_in_turn(connection: Connection) -> Iterator[UUID]:
    """Yield each tenant's id; until the next one, the owner's statements see and change that tenant's rows."""
    for tenant_id in connection.execute(_TENANTS).scalars().all():
        enter_tenant(connection, tenant_id)
        yield tenant_id
    enter_tenant(connection, None)
