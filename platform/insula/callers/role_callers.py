"""Callers that an app brings: users who have a row, with their role, in a table of the app's own."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy import Text, bindparam
from sqlmodel import Field, col, select
from sqlmodel.sql.expression import SelectOfScalar

from insula.callers.identity import Identity
from insula.callers.token_callers import NamedTenants, Sources, TokenCallers, plain_user
from insula.core.ids import UserId
from insula.db.query.reading import Reading
from insula.db.schema.base import Base
from insula.identity import Claims
from insula.scope import Principal, RolePrincipal
from insula.tenancy import Access


class RoleHolder(Base):
    """Mixin of the table: a user's row gives them a role."""

    user_id: UUID = Field(primary_key=True, foreign_key="user.id", ondelete="CASCADE")
    role: str = Field(sa_type=Text)


class RoleCallers(TokenCallers):
    """Users who have a row in ``model``'s table. They act in no tenant.

    The app's database role must be allowed to read the table. The row is read at each request, in one
    round trip: a deleted row ends access at once. Where the table announces its changes with
    ``notify_access``, a subclass can set ``remembers``; then no request reads it, and access ends within
    a second. ``errors`` must name the error of a sign-in by a user who has no row.
    """

    model: ClassVar[type[RoleHolder]]
    principal_type: ClassVar[type[RolePrincipal]]

    def __init__(self) -> None:
        self._holders = Reading(self.model, self._holder)

    @property
    def actor_kind(self) -> str:
        """The kind of their principals."""
        return self.principal_type.kind

    async def sign_in(self, user_id: UserId, named: NamedTenants, sources: Sources) -> None:
        """Let users with a row sign in, without a tenant. Raises the first of ``errors``."""
        if named or await self._role(user_id, sources) is None:
            raise self.errors[0]

    async def identity_of(self, claims: Claims, access: Access, sources: Sources) -> Identity[Principal]:
        """Return the user in their role, or as a plain user where they have no row, or no longer one."""
        role = await self._role(claims.user_id, sources)
        if role is None:
            return plain_user(claims, access)
        return Identity(self.principal_type(claims.user_id, claims.session_id, role, access.email))

    async def _role(self, user_id: UserId, sources: Sources) -> str | None:
        unit = sources.unit(user_id)
        try:
            holder = await self._holders.one(unit, user_id=user_id)
        finally:
            await unit.close()  # not committed: that would make a session, at half the cost of the read
        return None if holder is None else holder.role

    def _holder(self) -> SelectOfScalar[RoleHolder]:
        return select(self.model).where(col(self.model.user_id) == bindparam("user_id"))
