"""Queries for racks."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select

from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.engine.unit import Unit
from insula.db.query.pages import KeysetReading
from insula.db.query.reading import Reading
from tests.probe.racks.models import Rack
from tests.probe.racks.schemas import RackList

_ONE: Final = Reading(Rack, lambda: select(Rack).where(col(Rack.id) == bindparam("rack_id")))
_PAGE: Final = KeysetReading(
    Rack,
    sortable={"created_at": col(Rack.created_at), "name": col(Rack.name_key)},
    narrowed_by={
        "status": col(Rack.status) == bindparam("status"),
        "search": col(Rack.name).regexp_match(bindparam("search"))
        | col(Rack.description).regexp_match(bindparam("search")),
    },
)


async def find(unit: Unit, rack_id: UUID) -> Rack | None:
    """Return the rack."""
    return await _ONE.one(unit, rack_id=rack_id)


async def lock(unit: Unit, rack_id: UUID) -> Rack | None:
    """Return the rack, locked until this transaction ends."""
    return await _ONE.locked(unit, rack_id=rack_id)


async def page(unit: Unit, params: RackList) -> Slice[Rack]:
    """Return one page of racks; ``search`` looks into name and description."""
    return await _PAGE.page(unit, params, status=params.status, search=params.search and containing(params.search))
