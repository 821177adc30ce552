"""Projects, read."""

from typing import Final
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.http.paging import Columns, Slice, fetch_keyset, like
from tenants.models import Project
from tenants.schemas.projects import ProjectList

_SORTABLE: Final[Columns] = {"created_at": col(Project.created_at), "name": col(Project.name)}


async def find(session: AsyncSession, project_id: UUID, *, for_update: bool = False) -> Project | None:
    """Return the project; ``for_update`` lets no other transaction change it before this one ends."""
    statement = select(Project).where(Project.id == project_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def page(session: AsyncSession, params: ProjectList) -> Slice[Project]:
    """Return one page of projects; ``search`` looks into name and description."""
    statement = select(Project)
    if params.status is not None:
        statement = statement.where(Project.status == params.status)
    if params.search is not None:
        pattern = like(params.search)
        statement = statement.where(col(Project.name).ilike(pattern) | col(Project.description).ilike(pattern))
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(Project.id))
