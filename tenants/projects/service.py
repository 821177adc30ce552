"""The rules for projects."""

from collections.abc import Mapping
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
from tenants.projects import queries
from tenants.projects.acts import Act
from tenants.projects.errors import ProjectNameTaken
from tenants.projects.models import PROJECTS, Project
from tenants.projects.schemas import ProjectCreate, ProjectList, ProjectUpdate

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {"uq_project_tenant_id_name": ProjectNameTaken}


async def page(scope: Scope, params: ProjectList) -> Slice[Project]:
    """Return one page of the tenant's projects."""
    return await queries.page(scope.unit, params)


async def get(scope: Scope, project_id: UUID) -> Project:
    """Return the project, or raise NotFound."""
    return _found(await queries.find(scope.unit, project_id))


async def create(scope: Scope, body: ProjectCreate) -> Project:
    """Create a project, within the plan's quota."""
    with violations_as(scope.unit, _VIOLATIONS):
        project = await rows.create(scope.unit, Project, **body.model_dump())
    check_quota(scope, PROJECTS)
    record(scope, Act.CREATED, object_type="project", object_id=project.id, after=snapshot(project))
    return project


async def update(scope: Scope, project_id: UUID, body: ProjectUpdate, precondition: Precondition) -> Project:
    """Change the fields in ``body``."""
    project = _found(await queries.lock(scope.unit, project_id))
    precondition.check(project.version)
    with violations_as(scope.unit, _VIOLATIONS):
        changed = await rows.update(scope.unit, project, body.changes())
    before, after = snapshot(project), snapshot(changed)
    record(scope, Act.UPDATED, object_type="project", object_id=project_id, before=before, after=after)
    return changed


async def delete(scope: Scope, project_id: UUID, precondition: Precondition) -> None:
    """Delete the project and its items."""
    project = _found(await queries.lock(scope.unit, project_id))
    precondition.check(project.version)
    await rows.delete(scope.unit, project)
    record(scope, Act.DELETED, object_type="project", object_id=project_id, before=snapshot(project))


def _found(project: Project | None) -> Project:
    if project is None:
        raise NotFound
    return project
