from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from insula.core.errors import NotFound, PreconditionFailed
from insula.core.paging import InvalidCursor, Page
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import CREATED, TAGGED, created, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from insula.scope.quotas import QuotaExceeded
from tenants.projects import service as projects
from tenants.projects.errors import ProjectNameTaken
from tenants.projects.permissions import Action
from tenants.projects.schemas import ProjectCreate, ProjectList, ProjectRead, ProjectUpdate

router = APIRouter(prefix="/projects", tags=["projects"], route_class=TenantRoute)

ProjectId = Annotated[UUID, Path(description="Id of the project.")]


@router.get("", summary="List projects", responses=problems(InvalidCursor))
async def list_projects(
    params: Annotated[ProjectList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[ProjectRead]:
    """List the tenant's projects; `search` looks into name and description."""
    return (await projects.page(scope, params)).page(ProjectRead.of)


@router.post(
    "", status_code=201, summary="Create a project", responses=CREATED | problems(ProjectNameTaken, QuotaExceeded)
)
async def create_project(
    body: ProjectCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    request: Request,
    response: Response,
) -> ProjectRead:
    """Create a project in the caller's tenant. The plan limits how many there can be."""
    project = await projects.create(scope, body)
    created(request, response, project)
    return ProjectRead.of(project)


@router.get("/{project_id}", summary="Read a project", responses=TAGGED | problems(NotFound))
async def get_project(
    project_id: ProjectId, scope: Annotated[Scope, allow(Action.READ)], response: Response
) -> ProjectRead:
    """Read one project. Its `ETag` is for `If-Match` when changing it."""
    project = await projects.get(scope, project_id)
    tagged(response, project)
    return ProjectRead.of(project)


@router.patch(
    "/{project_id}",
    summary="Change a project",
    responses=TAGGED | problems(NotFound, ProjectNameTaken, PreconditionFailed),
)
async def update_project(
    project_id: ProjectId,
    body: ProjectUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> ProjectRead:
    """Change the fields sent; the others stay. With `If-Match`, only if nobody changed it meanwhile."""
    project = await projects.update(scope, project_id, body, if_match)
    tagged(response, project)
    return ProjectRead.of(project)


@router.delete(
    "/{project_id}", status_code=204, summary="Delete a project", responses=problems(NotFound, PreconditionFailed)
)
async def delete_project(
    project_id: ProjectId, if_match: IfMatchDep, scope: Annotated[Scope, allow(Action.DELETE)]
) -> None:
    """Delete a project and its items, for good."""
    await projects.delete(scope, project_id, if_match)
