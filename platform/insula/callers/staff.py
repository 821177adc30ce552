"""Staff: users who work for the platform, across all tenants."""

from typing import ClassVar

from insula.access import StaffRole
from insula.callers.errors import StaffOnly
from insula.callers.identity import Identity
from insula.callers.token_callers import Errors, NamedTenants, Roles, Sources, TokenCallers, plain_user
from insula.core.ids import UserId
from insula.identity import Claims
from insula.scope import Principal, StaffPrincipal
from insula.tenancy import Access


class Staff(TokenCallers):
    """The platform's staff, who act in no tenant."""

    roles: ClassVar[Roles] = StaffRole
    errors: ClassVar[Errors] = (StaffOnly,)
    caches_identity: ClassVar = True

    @property
    def actor_kind(self) -> str:
        """The kind of their actors in the audit log: staff, not user."""
        return StaffPrincipal.kind

    async def sign_in(self, user_id: UserId, named: NamedTenants, sources: Sources) -> None:
        """Let staff sign in, without a tenant. Raises StaffOnly for other users, and if a tenant is named."""
        if named or await sources.directory.staff_role(user_id) is None:
            raise StaffOnly

    async def identity_of(self, claims: Claims, access: Access, sources: Sources) -> Identity[Principal]:  # noqa: ARG002 - as in Members
        """Return the user with their staff role, or ``plain_user`` if they have none."""
        if access.staff_role is None:
            return plain_user(claims, access)
        return Identity(StaffPrincipal(claims.user_id, claims.session_id, access.staff_role, access.email))
