"""Queries for projects."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select

from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.engine.unit import Unit
from insula.db.query.pages import KeysetReading
from insula.db.query.reading import Reading
from tenants.projects.models import Project
from tenants.projects.schemas import ProjectList

_ONE: Final = Reading(Project, lambda: select(Project).where(col(Project.id) == bindparam("project_id")))
_PAGE: Final = KeysetReading(
    Project,
    sortable={"created_at": col(Project.created_at), "name": col(Project.name_key)},
    narrowed_by={
        "status": col(Project.status) == bindparam("status"),
        "search": col(Project.name).regexp_match(bindparam("search"))
        | col(Project.description).regexp_match(bindparam("search")),
    },
)


async def find(unit: Unit, project_id: UUID) -> Project | None:
    """Return the project."""
    return await _ONE.one(unit, project_id=project_id)


async def lock(unit: Unit, project_id: UUID) -> Project | None:
    """Return the project, locked until this transaction ends."""
    return await _ONE.locked(unit, project_id=project_id)


async def page(unit: Unit, params: ProjectList) -> Slice[Project]:
    """Return one page of projects; ``search`` looks into name and description."""
    return await _PAGE.page(unit, params, status=params.status, search=params.search and containing(params.search))
