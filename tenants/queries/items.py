"""A project's items, read."""

from typing import Final
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.http.paging import Columns, Slice, fetch_keyset, like
from tenants.models import ProjectItem
from tenants.schemas.items import ItemList

_SORTABLE: Final[Columns] = {
    "created_at": col(ProjectItem.created_at),
    "title": col(ProjectItem.title),
    "position": col(ProjectItem.position),
}


async def find(
    session: AsyncSession, project_id: UUID, item_id: UUID, *, for_update: bool = False
) -> ProjectItem | None:
    """Return the item of that project; ``for_update`` lets no other transaction change it before this one ends."""
    statement = select(ProjectItem).where(ProjectItem.project_id == project_id, ProjectItem.id == item_id)
    if for_update:
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def page(session: AsyncSession, project_id: UUID, params: ItemList) -> Slice[ProjectItem]:
    """Return one page of the project's items; ``search`` looks into title and body."""
    statement = select(ProjectItem).where(ProjectItem.project_id == project_id)
    if params.status is not None:
        statement = statement.where(ProjectItem.status == params.status)
    if params.search is not None:
        pattern = like(params.search)
        statement = statement.where(col(ProjectItem.title).ilike(pattern) | col(ProjectItem.body).ilike(pattern))
    return await fetch_keyset(session, statement, params, columns=_SORTABLE, identity=col(ProjectItem.id))
