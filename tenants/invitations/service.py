"""Invitations: limited by the inviter's role and the plan's seats, accepted once by the invited address.

An invitation is valid only while its inviter may grant the role. After the inviter is removed or demoted it is invalid,
so nobody gets back in by inviting themselves.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from insula.access import Policy, may_grant
from insula.audit import record
from insula.core import clock
from insula.core.errors import AppError, NotFound, TenantSuspended
from insula.core.ids import new_id
from insula.core.paging import Slice
from insula.db.models import ACTIVE, Membership, Tenant
from insula.db.query.violations import violations_as
from insula.identity import fold
from insula.scope import PersonalScope, Scope
from insula.tenancy import UserProfile
from tenants.emails import LIFETIME, Emails
from tenants.invitations import queries, tokens
from tenants.invitations.acts import Act
from tenants.invitations.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationInvalid,
    InvitationSettled,
    SeatsExhausted,
)
from tenants.invitations.models import Invitation
from tenants.invitations.permissions import Action
from tenants.invitations.schemas import InvitationCreate, InvitationList
from tenants.members import queries as members
from tenants.people_lock import check_rank, locked_caller
from tenants.roles import queries as roles
from tenants.roles.errors import RoleUnknown
from tenants.tenants import queries as tenants

_INVITING: Final[Mapping[str, type[AppError]]] = {"fk_invitation_tenant_id_custom_role": RoleUnknown}
_JOINING: Final[Mapping[str, type[AppError]]] = {"uq_membership_tenant_id_user_id": AlreadyMember}


async def page(scope: Scope, params: InvitationList) -> Slice[Invitation]:
    """Return one page of the tenant's invitations."""
    return await queries.page(scope.unit.session, params)


async def get(scope: Scope, invitation_id: UUID, *, for_update: bool = False) -> Invitation:
    """Return the invitation, or raise NotFound."""
    invitation = await queries.find(scope.unit.session, invitation_id, for_update=for_update)
    if invitation is None:
        raise NotFound
    return invitation


async def create(scope: Scope, body: InvitationCreate, emails: Emails) -> Invitation:
    """Invite an address. The answer depends on this tenant alone, not on whether the address has an account."""
    caller = await locked_caller(scope, Action.CREATE)
    session = scope.unit.session
    await check_rank(scope, caller, body.role)
    if await members.find_email(session, body.email) is not None:
        raise AlreadyMember
    await _retire_expired(scope, body.email)
    await _check_seat_to_offer(session)
    invitation_id = new_id()
    token = tokens.new_token(scope.tenant.id, invitation_id)
    invitation = Invitation(
        tenant_id=scope.tenant.id,
        id=invitation_id,
        email=body.email,
        role=body.role,
        token_hash=tokens.digest(token),
        invited_by=caller.member.user_id,
        expires_at=clock.now() + LIFETIME,
    )
    session.add(invitation)
    with violations_as(scope.unit, _INVITING):
        await session.flush()
    await emails.invitation(scope, invitation, caller.member, token)
    _note(scope, Act.CREATED, invitation)
    return invitation


async def resend(scope: Scope, invitation_id: UUID, emails: Emails) -> Invitation:
    """Send the invitation again, in the caller's name, with a new token for another week. The old one is invalid."""
    caller = await locked_caller(scope, Action.UPDATE)
    invitation = await _open(scope, invitation_id)
    await check_rank(scope, caller, invitation.role)
    if invitation.status == "expired":
        await _check_seat_to_offer(scope.unit.session)
    token = tokens.new_token(scope.tenant.id, invitation.id)
    invitation.token_hash = tokens.digest(token)
    invitation.invited_by = caller.member.user_id
    invitation.sent_count += 1
    invitation.last_sent_at = clock.now()
    invitation.expires_at = invitation.last_sent_at + LIFETIME
    await scope.unit.session.flush()
    await emails.invitation(scope, invitation, caller.member, token)
    _note(scope, Act.RESENT, invitation)
    return invitation


async def revoke(scope: Scope, invitation_id: UUID) -> None:
    """Revoke the invitation: its token becomes invalid and its seat free."""
    caller = await locked_caller(scope, Action.DELETE)
    invitation = await _open(scope, invitation_id)
    await check_rank(scope, caller, invitation.role)
    await _revoke(scope, invitation)


async def accept(scope: PersonalScope, token: str, person: UserProfile) -> tuple[Tenant, Membership]:
    """Make ``person`` a member, as the invitation says, and return the tenant and the membership.

    The transaction enters the tenant that the token names, so row-level security shows only that tenant's invitations.
    Raises InvitationInvalid, whatever is wrong with the token.
    """
    ids = tokens.read(token)
    if ids is None:
        raise InvitationInvalid
    session = scope.unit.session
    await scope.unit.enter(ids.tenant_id)
    _check(await queries.find(session, ids.invitation_id), token, person)  # guessing a token takes no lock
    tenant = await tenants.get(session, ids.tenant_id, for_update=True)
    invitation = _check(await queries.find(session, ids.invitation_id, for_update=True), token, person)
    await _check_inviter(session, scope.policy, invitation)
    if tenant.status != ACTIVE:
        raise TenantSuspended
    await _check_seat_to_take(session)
    member = Membership(
        tenant_id=tenant.id, user_id=person.id, role=invitation.role, email=person.email, name=person.name
    )
    session.add(member)
    invitation.accepted_at = clock.now()
    with violations_as(scope.unit, _JOINING):
        await session.flush()
    _note(scope, Act.ACCEPTED, invitation)
    return tenant, member


def _check(invitation: Invitation | None, token: str, person: UserProfile) -> Invitation:
    """Return the invitation if ``person`` can accept it with ``token`` now; every failure raises the same error."""
    if (
        invitation is None
        or not tokens.fits(token, invitation.token_hash)
        or invitation.status != "pending"
        or not person.verified
        or fold(person.email) != invitation.email
    ):
        raise InvitationInvalid
    return invitation


async def _check_inviter(session: AsyncSession, policy: Policy, invitation: Invitation) -> None:
    """Raise InvitationInvalid unless the inviter could send it now."""
    inviter = await members.find_user(session, invitation.invited_by)
    own = await roles.permissions(session, policy, inviter.role) if inviter is not None else None
    offered = await roles.permissions(session, policy, invitation.role)
    if own is None or offered is None or Action.CREATE not in own or not may_grant(own, offered):
        raise InvitationInvalid


async def _check_seat_to_offer(session: AsyncSession) -> None:
    """Raise SeatsExhausted unless members and pending invitations leave a seat."""
    now = await queries.seats(session)
    _check_seat(now.members + now.pending, now.granted)


async def _check_seat_to_take(session: AsyncSession) -> None:
    """Raise SeatsExhausted unless the members leave a seat: the plan may have shrunk since the invitation."""
    now = await queries.seats(session)
    _check_seat(now.members, now.granted)


def _check_seat(taken: int, granted: int) -> None:
    if taken + 1 > granted:
        raise SeatsExhausted(f"The plan grants {granted} seats; {taken} are taken.")


async def _open(scope: Scope, invitation_id: UUID) -> Invitation:
    invitation = await get(scope, invitation_id, for_update=True)
    if invitation.status in {"accepted", "revoked"}:
        raise InvitationSettled
    return invitation


async def _retire_expired(scope: Scope, email: str) -> None:
    """Revoke an expired invitation that another one replaces. Raises AlreadyInvited while it is pending."""
    previous = await queries.find_open(scope.unit.session, email)
    if previous is None:
        return
    if previous.status == "pending":
        raise AlreadyInvited
    await _revoke(scope, previous)


async def _revoke(scope: Scope, invitation: Invitation) -> None:
    invitation.revoked_at = clock.now()
    await scope.unit.session.flush()
    _note(scope, Act.REVOKED, invitation)


def _note(scope: Scope | PersonalScope, act: Act, invitation: Invitation) -> None:
    after = {"email": invitation.email, "role": invitation.role, "status": invitation.status}
    record(
        scope,
        act,
        object_type="invitation",
        object_id=invitation.id,
        after=after,
        tenant_id=invitation.tenant_id,
    )
