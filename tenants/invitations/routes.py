from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from insula.core.errors import NotFound, TenantSuspended
from insula.core.paging import InvalidCursor, Page
from insula.http.kernel import kernel_of
from insula.http.responses.answers import CREATED, TAGGED, created, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow, allow_personal
from insula.http.routing.route import TenantRoute
from insula.scope import PersonalScope, Scope
from tenants.dependencies import EmailsDep
from tenants.invitations import service as invitations
from tenants.invitations.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationInvalid,
    InvitationSettled,
    SeatsExhausted,
    TooManyInvitations,
)
from tenants.invitations.permissions import Action
from tenants.invitations.schemas import InvitationAccept, InvitationCreate, InvitationList, InvitationRead
from tenants.me.schemas import OwnMembershipRead
from tenants.roles.errors import Outranked, RoleUnknown

router = APIRouter(prefix="/invitations", tags=["invitations"], route_class=TenantRoute)

TRIED_BY_PERSON: Final = 60
TRIED_FROM_ADDRESS: Final = 300

InvitationId = Annotated[UUID, Path(description="Id of the invitation.")]


@router.get("", summary="List invitations", responses=problems(InvalidCursor))
async def list_invitations(
    params: Annotated[InvitationList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[InvitationRead]:
    """List the tenant's invitations, including accepted and revoked ones; `search` looks into the address."""
    return (await invitations.page(scope, params)).page(InvitationRead.of)


@router.post(
    "",
    status_code=201,
    summary="Invite somebody",
    responses=CREATED
    | problems(Outranked, RoleUnknown, AlreadyMember, AlreadyInvited, SeatsExhausted, TooManyInvitations),
)
async def create_invitation(
    body: InvitationCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    emails: EmailsDep,
    request: Request,
    response: Response,
) -> InvitationRead:
    """Invite an address. The caller must have all permissions of the role that the invitation names.

    The invitation takes a seat until it is accepted, revoked or expired. Emails are limited per address, person and
    tenant; revoking an invitation does not reduce their count.
    """
    invitation = await invitations.create(scope, body, emails)
    created(request, response, invitation)
    return InvitationRead.of(invitation)


@router.post(
    "/accept",
    summary="Accept an invitation",
    responses=problems(InvitationInvalid, TenantSuspended, AlreadyMember, SeatsExhausted, TooManyInvitations),
)
async def accept_invitation(
    body: InvitationAccept, scope: Annotated[PersonalScope, allow_personal(Action.ACCEPT)], request: Request
) -> OwnMembershipRead:
    """Join the tenant that invited the caller's verified address. All invalid tokens get the same answer.

    To act in the tenant, get a token bound to it.
    """
    await _count(request, f"accept:person:{scope.principal.user_id}", TRIED_BY_PERSON)
    await _count(request, f"accept:address:{scope.address}", TRIED_FROM_ADDRESS)
    person = await kernel_of(request).directory.profile(scope.principal.user_id)
    tenant, member = await invitations.accept(scope, body.token, person)
    return OwnMembershipRead(
        tenant_id=tenant.id, slug=tenant.slug, name=tenant.name, status=tenant.status, role=member.role
    )


@router.get("/{invitation_id}", summary="Read an invitation", responses=TAGGED | problems(NotFound))
async def get_invitation(
    invitation_id: InvitationId, scope: Annotated[Scope, allow(Action.READ)], response: Response
) -> InvitationRead:
    """Read one invitation."""
    invitation = await invitations.get(scope, invitation_id)
    tagged(response, invitation)
    return InvitationRead.of(invitation)


@router.post(
    "/{invitation_id}/resend",
    summary="Send an invitation again",
    responses=TAGGED | problems(NotFound, Outranked, InvitationSettled, SeatsExhausted, TooManyInvitations),
)
async def resend_invitation(
    invitation_id: InvitationId,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    emails: EmailsDep,
    response: Response,
) -> InvitationRead:
    """Send a new token, valid for another week, in the caller's name. The old token becomes invalid."""
    invitation = await invitations.resend(scope, invitation_id, emails)
    tagged(response, invitation)
    return InvitationRead.of(invitation)


@router.delete(
    "/{invitation_id}",
    status_code=204,
    summary="Revoke an invitation",
    responses=problems(NotFound, Outranked, InvitationSettled),
)
async def revoke_invitation(invitation_id: InvitationId, scope: Annotated[Scope, allow(Action.DELETE)]) -> None:
    """Revoke an invitation: its token becomes invalid and its seat free. It stays in the list."""
    await invitations.revoke(scope, invitation_id)


async def _count(request: Request, key: str, per_minute: int) -> None:
    verdict = await kernel_of(request).limits.admit_exactly(key, per_minute)
    if not verdict.allowed:
        raise TooManyInvitations(headers=verdict.headers())
