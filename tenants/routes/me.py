from typing import Annotated

from fastapi import APIRouter, Request

from insula.http.access import allow_personal
from insula.http.kernel import kernel_of
from insula.http.route import TenantRoute
from insula.policy import Role
from insula.scope import PersonalScope
from tenants.actions import Action
from tenants.schemas.tenants import MeRead, OwnMembershipRead

router = APIRouter(prefix="/me", tags=["me"], route_class=TenantRoute)


@router.get("", summary="Read your own account")
async def get_me(scope: Annotated[PersonalScope, allow_personal(Action.ME_READ)], request: Request) -> MeRead:
    """Read the caller's account and memberships. Works with any token of this app, bound to a tenant or not."""
    directory = kernel_of(request).directory
    profile = await directory.profile(scope.principal.person())
    memberships = [
        OwnMembershipRead(
            tenant_id=tenant.id, slug=tenant.slug, name=tenant.name, status=tenant.status, role=Role(role)
        )
        for tenant, role in await directory.memberships(scope.principal.person())
    ]
    return MeRead(id=profile.id, email=profile.email, name=profile.name, memberships=memberships)
