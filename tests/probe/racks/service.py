"""The rules for racks."""

from collections.abc import AsyncIterator, Mapping
from typing import Final
from uuid import UUID

from insula.audit import record, snapshot
from insula.core.errors import AppError, NotFound
from insula.core.paging import Slice
from insula.core.preconditions import Precondition
from insula.db.query import rows
from insula.db.query.violations import violations_as
from insula.scope import Scope
from insula.scope.quotas import check_quota
from tests.probe.racks import queries
from tests.probe.racks.acts import Act
from tests.probe.racks.errors import RackNameTaken
from tests.probe.racks.models import RACKS, Rack
from tests.probe.racks.schemas import RackCreate, RackList, RackRead, RackUpdate

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {"uq_rack_tenant_id_name": RackNameTaken}


async def page(scope: Scope, params: RackList) -> Slice[Rack]:
    """Return one page of the tenant's racks."""
    return await queries.page(scope.unit, params)


async def get(scope: Scope, rack_id: UUID) -> Rack:
    """Return the rack, or raise NotFound."""
    return _found(await queries.find(scope.unit, rack_id))


async def create(scope: Scope, body: RackCreate) -> Rack:
    """Create a rack, within the plan's quota."""
    with violations_as(scope.unit, _VIOLATIONS):
        rack = await rows.create(scope.unit, Rack, **body.model_dump())
    check_quota(scope, RACKS)
    record(scope, Act.CREATED, object_type="rack", object_id=rack.id, after=snapshot(rack))
    return rack


async def update(scope: Scope, rack_id: UUID, body: RackUpdate, precondition: Precondition) -> Rack:
    """Change the fields in ``body``."""
    rack = _found(await queries.lock(scope.unit, rack_id))
    precondition.check(rack.version)
    with violations_as(scope.unit, _VIOLATIONS):
        changed = await rows.update(scope.unit, rack, body.changes())
    record(scope, Act.UPDATED, object_type="rack", object_id=rack_id, before=snapshot(rack), after=snapshot(changed))
    return changed


async def delete(scope: Scope, rack_id: UUID, precondition: Precondition) -> None:
    """Delete the rack and its books."""
    rack = _found(await queries.lock(scope.unit, rack_id))
    precondition.check(rack.version)
    await rows.delete(scope.unit, rack)
    record(scope, Act.DELETED, object_type="rack", object_id=rack_id, before=snapshot(rack))


async def as_json(scope: Scope, rack_id: UUID) -> str:
    """Return the rack as JSON, read in a transaction of its own."""
    async with scope.transaction() as now:
        return RackRead.of(await get(now, rack_id)).model_dump_json()


async def scan(scope: Scope, rack_id: UUID, pieces: AsyncIterator[bytes]) -> None:
    """Read the file, and describe the rack by its size."""
    async with scope.transaction() as now:
        await get(now, rack_id)
    size = 0
    async for piece in pieces:
        size += len(piece)
    async with scope.transaction() as now:
        await update(now, rack_id, RackUpdate(description=f"{size} bytes"), Precondition(None))


def _found(rack: Rack | None) -> Rack:
    if rack is None:
        raise NotFound
    return rack
