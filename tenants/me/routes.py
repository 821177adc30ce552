"""The caller's own account. ``insula.identity`` stores it, in transactions of its own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response, status

from insula.audit import Origin
from insula.core.errors import NotFound, PreconditionFailed
from insula.core.ids import UserId
from insula.core.paging import Page
from insula.core.preconditions import etag
from insula.http.kernel import Kernel, kernel_of
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import TAGGED
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_personal
from insula.http.routing.route import TenantRoute
from insula.identity import CurrentPasswordWrong, PasswordTooEasy, Rename, SignedIn
from insula.scope import PersonalScope
from insula.signin import LoginThrottle, ThrottleRates
from insula.signin.errors import TooManyAttempts
from tenants.me.permissions import Action
from tenants.me.schemas import ConsentRead, MeRead, MeUpdate, OwnMembershipRead, PasswordChange, SessionRead

router = APIRouter(prefix="/me", tags=["me"], route_class=TenantRoute)


@router.get("", summary="Read your own account", responses=TAGGED)
async def get_me(
    scope: Annotated[PersonalScope, allow_personal(Action.READ)], request: Request, response: Response
) -> MeRead:
    """Read the caller's account and memberships. Works with any token of this app, bound to a tenant or not."""
    return await _read(kernel_of(request), scope.principal.user_id, response)


@router.patch("", summary="Change your own account", responses=TAGGED | problems(PreconditionFailed))
async def update_me(
    body: MeUpdate,
    if_match: IfMatchDep,
    scope: Annotated[PersonalScope, allow_personal(Action.UPDATE)],
    request: Request,
    response: Response,
) -> MeRead:
    """Change the caller's name, also in every tenant. With `If-Match`, only if nothing changed meanwhile."""
    kernel = kernel_of(request)
    changes = [Rename(body.name)] if isinstance(body.name, str) else []
    if changes:
        await kernel.own_account.update(_signed_in(scope), changes, if_match.check)
    return await _read(kernel, scope.principal.user_id, response)


@router.put(
    "/password",
    summary="Change your password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(CurrentPasswordWrong, PasswordTooEasy, TooManyAttempts),
)
async def change_password(
    body: PasswordChange, scope: Annotated[PersonalScope, allow_personal(Action.UPDATE)], request: Request
) -> None:
    """Change the caller's password. Every other session of theirs ends; this one stays."""
    kernel, me = kernel_of(request), _signed_in(scope)
    await LoginThrottle(kernel.limits, ThrottleRates()).password(str(me.user_id))
    await kernel.own_account.change_password(me, body.current_password, body.new_password)


@router.get("/sessions", summary="List your sessions")
async def list_sessions(
    scope: Annotated[PersonalScope, allow_personal(Action.READ)], request: Request
) -> Page[SessionRead]:
    """List the caller's sessions, the last used first; at most a hundred."""
    me = _signed_in(scope)
    sessions = await kernel_of(request).own_account.sessions(me)
    return Page[SessionRead].whole(SessionRead.among(sessions, me.session_id))


@router.delete(
    "/sessions/{session_id}",
    summary="End a session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound),
)
async def revoke_session(
    session_id: Annotated[UUID, Path(description="Id of the session.")],
    scope: Annotated[PersonalScope, allow_personal(Action.UPDATE)],
    request: Request,
) -> None:
    """End one of the caller's sessions, which may be this one. Its tokens are refused from then on."""
    await kernel_of(request).own_account.revoke_session(_signed_in(scope), session_id)


@router.get("/consents", summary="List your consents to OAuth clients")
async def list_consents(
    scope: Annotated[PersonalScope, allow_personal(Action.READ)], request: Request
) -> Page[ConsentRead]:
    """List what the caller has let OAuth clients do, in all tenants, the last changed first; at most 500."""
    consents = await kernel_of(request).authorizations.consents(scope.principal.user_id)
    return Page[ConsentRead].whole(ConsentRead.model_validate(consent) for consent in consents)


@router.delete(
    "/consents/{consent_id}",
    summary="Withdraw a consent",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound),
)
async def withdraw_consent(
    consent_id: Annotated[UUID, Path(description="Id of the consent.")],
    scope: Annotated[PersonalScope, allow_personal(Action.UPDATE)],
    request: Request,
) -> None:
    """Withdraw one of the caller's consents. The client's tokens for the caller are refused from then on."""
    me = _signed_in(scope)
    await kernel_of(request).authorizations.withdraw(me.user_id, consent_id, me.origin)


async def _read(kernel: Kernel, user_id: UserId, response: Response) -> MeRead:
    profile = await kernel.directory.profile(user_id)
    memberships = [
        OwnMembershipRead(tenant_id=tenant.id, slug=tenant.slug, name=tenant.name, status=tenant.status, role=role)
        for tenant, role in await kernel.directory.memberships(user_id)
    ]
    response.headers["etag"] = etag(profile.version)
    return MeRead(
        id=profile.id, email=profile.email, name=profile.name, version=profile.version, memberships=memberships
    )


def _signed_in(scope: PersonalScope) -> SignedIn:
    return SignedIn(scope.principal.user_id, scope.principal.session_id, Origin(scope.request_id, scope.address))
