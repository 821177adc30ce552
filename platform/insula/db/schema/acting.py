"""Acting for one tenant after another as the owner, whom row-level security binds too."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Connection

_TENANTS: Final = text("SELECT id FROM tenant ORDER BY id")
_ENTER: Final = text("SELECT set_config('app.tenant_id', :id, true)")


def act_for(connection: Connection, tenant_id: UUID | None) -> None:
    """Let the transaction's next statements read and write the rows of this tenant, and for None those of none."""
    connection.execute(_ENTER, {"id": "" if tenant_id is None else str(tenant_id)})


def tenants_in_turn(connection: Connection) -> Iterator[UUID]:
    """Yield each tenant's id, while the owner's statements see and change the rows of that tenant."""
    for tenant_id in connection.execute(_TENANTS).scalars().all():
        act_for(connection, tenant_id)
        yield tenant_id
    act_for(connection, None)
