"""Staff: users who work for the platform, over all tenants."""

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
    remembers: ClassVar = True

    @property
    def actor_kind(self) -> str:
        """Staff, also in the audit log."""
        return StaffPrincipal.kind

    async def sign_in(self, user_id: UserId, named: NamedTenants, sources: Sources) -> None:
        """Let staff sign in, without a tenant. Raises StaffOnly for others, and where a tenant is named."""
        if named or await sources.directory.staff_role(user_id) is None:
            raise StaffOnly

    async def identity_of(self, claims: Claims, access: Access, sources: Sources) -> Identity[Principal]:  # noqa: ARG002 - as in Members
        """Return the user as staff, or as a plain user where they are not, or no longer, staff."""
        if access.staff_role is None:
            return plain_user(claims, access)
        return Identity(StaffPrincipal(claims.user_id, claims.session_id, access.staff_role, access.email))
