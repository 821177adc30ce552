"""How much a tenant holds, for those who look at tenants from outside."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenants.items.models import ProjectItem
from tenants.projects.models import Project


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many rows a tenant has."""

    projects: int
    items: int


async def holdings(session: AsyncSession, tenant_id: UUID) -> Holdings:
    """Return how much the tenant holds; the session may see other tenants too."""
    projects = select(func.count(col(Project.id))).where(col(Project.tenant_id) == tenant_id)
    items = select(func.count(col(ProjectItem.id))).where(col(ProjectItem.tenant_id) == tenant_id)
    return Holdings(projects=(await session.exec(projects)).one(), items=(await session.exec(items)).one())
