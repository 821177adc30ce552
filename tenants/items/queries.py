"""Queries for a project's items."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select

from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.engine.unit import Unit
from insula.db.query.pages import KeysetReading
from insula.db.query.reading import Reading
from tenants.items.models import ProjectItem
from tenants.items.schemas import ItemList

# By its id alone: with the project in the condition the planner may choose an index that begins with the project, and
# read all of its items. The project is compared afterwards, in the row.
_ONE: Final = Reading(ProjectItem, lambda: select(ProjectItem).where(col(ProjectItem.id) == bindparam("item_id")))
_PAGE: Final = KeysetReading(
    ProjectItem,
    sortable={
        "created_at": col(ProjectItem.created_at),
        "title": col(ProjectItem.title_key),
        "position": col(ProjectItem.position),
    },
    narrowed_by={
        "project_id": col(ProjectItem.project_id) == bindparam("project_id"),
        "status": col(ProjectItem.status) == bindparam("status"),
        "search": col(ProjectItem.title).regexp_match(bindparam("search"))
        | col(ProjectItem.body).regexp_match(bindparam("search")),
    },
)


async def find(unit: Unit, project_id: UUID, item_id: UUID) -> ProjectItem | None:
    """Return the item of that project."""
    return _of(project_id, await _ONE.one(unit, item_id=item_id))


async def lock(unit: Unit, project_id: UUID, item_id: UUID) -> ProjectItem | None:
    """Return the item, locked until this transaction ends."""
    return _of(project_id, await _ONE.locked(unit, item_id=item_id))


async def page(unit: Unit, project_id: UUID, params: ItemList) -> Slice[ProjectItem]:
    """Return one page of the project's items; ``search`` looks into title and body."""
    search = params.search and containing(params.search)
    return await _PAGE.page(unit, params, project_id=project_id, status=params.status, search=search)


def _of(project_id: UUID, item: ProjectItem | None) -> ProjectItem | None:
    return item if item is not None and item.project_id == project_id else None
