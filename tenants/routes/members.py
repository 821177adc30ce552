from typing import Annotated

from fastapi import APIRouter, Query

from insula.http.access import allow
from insula.http.paging import InvalidCursor, Page
from insula.http.problems import problems
from insula.http.route import TenantRoute
from insula.scope import Scope
from tenants.actions import Action
from tenants.schemas.members import MemberList, MemberRead
from tenants.service import members

router = APIRouter(prefix="/members", tags=["members"], route_class=TenantRoute)


@router.get("", summary="List members", responses=problems(InvalidCursor))
async def list_members(
    params: Annotated[MemberList, Query()], scope: Annotated[Scope, allow(Action.MEMBER_READ)]
) -> Page[MemberRead]:
    """List the tenant's members; `search` looks into name and email."""
    return (await members.page(scope, params)).page(MemberRead.of)
