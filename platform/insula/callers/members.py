"""Members: users who act in a tenant or, if the app allows it, without one."""

from typing import ClassVar

from insula.access import Role
from insula.callers.errors import TenantRefused
from insula.callers.identity import MemberIdentity
from insula.callers.token_callers import Errors, NamedTenants, Roles, Sources, TokenCallers, user_of
from insula.core.errors import TenantRequired, TenantSuspended
from insula.core.ids import UserId
from insula.db.models import ACTIVE
from insula.identity import Claims
from insula.scope import Member
from insula.tenancy import Access, Directory, TenantRecord


class Members(TokenCallers):
    """The members of tenants. ``tenantless``: every user can also get a token without a tenant."""

    roles: ClassVar[Roles] = Role
    errors: ClassVar[Errors] = (TenantRefused, TenantRequired, TenantSuspended)
    caches_identity: ClassVar = True

    def __init__(self, *, tenantless: bool = False) -> None:
        self._tenantless = tenantless

    async def sign_in(self, user_id: UserId, named: NamedTenants, sources: Sources) -> TenantRecord | None:
        """Return the named tenant, or None if no tenant is named and the app allows that.

        Raises TenantRefused unless exactly one tenant is named, which exists and has the user as a member;
        TenantSuspended; and TenantRequired if the app needs a tenant and none is named.
        """
        if named:
            return await _own(sources.directory, user_id, named)
        if not self._tenantless:
            raise TenantRequired
        return None

    async def identity_of(self, claims: Claims, access: Access, sources: Sources) -> MemberIdentity:  # noqa: ARG002 - the access record is enough
        """Return the user with their membership of the token's tenant."""
        member = None
        if access.membership_id is not None and access.role is not None:
            member = Member(access.membership_id, access.role, access.permissions)
        return MemberIdentity.of(user_of(claims, access), access.tenant, member)


async def _own(directory: Directory, user_id: UserId, named: NamedTenants) -> TenantRecord:
    own = {record.id: record for record, _ in await directory.memberships(user_id)}
    chosen = next(iter(named))
    if len(named) > 1 or chosen is None or chosen not in own:
        raise TenantRefused
    if own[chosen].status != ACTIVE:
        raise TenantSuspended
    return own[chosen]
