from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from insula.core.errors import NotFound
from insula.core.paging import InvalidCursor, Page
from insula.http.kernel import kernel_of
from insula.http.responses.answers import LOCATED
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from insula.scope.quotas import QuotaExceeded
from tenants.domains import service as domains
from tenants.domains.errors import DomainExists, DomainNotProved, HostReserved
from tenants.domains.permissions import Action
from tenants.domains.schemas import DomainCreate, DomainList, DomainRead

router = APIRouter(prefix="/domains", tags=["domains"], route_class=TenantRoute)

DomainId = Annotated[UUID, Path(description="Id of the domain.")]


@router.get("", summary="List domains", responses=problems(InvalidCursor))
async def list_domains(
    params: Annotated[DomainList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[DomainRead]:
    """List the tenant's own host names, proved or not; `search` looks into the name."""
    return (await domains.page(scope, params)).page(DomainRead.from_row)


@router.post(
    "",
    status_code=201,
    summary="Claim a domain",
    responses=LOCATED | problems(DomainExists, HostReserved, QuotaExceeded),
)
async def create_domain(
    body: DomainCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    request: Request,
    response: Response,
) -> DomainRead:
    """Claim a host name. The answer says which DNS record proves it; publish that, then verify."""
    domain = await domains.create(scope, body, kernel_of(request).settings)
    response.headers["location"] = f"{request.url.path}/{domain.id}"
    return DomainRead.from_row(domain)


@router.get("/{domain_id}", summary="Read a domain", responses=problems(NotFound))
async def get_domain(domain_id: DomainId, scope: Annotated[Scope, allow(Action.READ)]) -> DomainRead:
    """Read one domain: whether it is proved, and by which record."""
    return DomainRead.from_row(await domains.get(scope, domain_id))


@router.post("/{domain_id}/verify", summary="Verify a domain", responses=problems(NotFound, DomainNotProved))
async def verify_domain(
    domain_id: DomainId, scope: Annotated[Scope, allow(Action.VERIFY)], request: Request
) -> DomainRead:
    """Look for the proof in the DNS. If it is there, the host serves the tenant within a second."""
    return DomainRead.from_row(await domains.verify(scope, domain_id, kernel_of(request).resolver))


@router.delete("/{domain_id}", status_code=204, summary="Remove a domain", responses=problems(NotFound))
async def delete_domain(domain_id: DomainId, scope: Annotated[Scope, allow(Action.DELETE)]) -> None:
    """Remove a host name. Within a second it is no longer served."""
    await domains.delete(scope, domain_id)
