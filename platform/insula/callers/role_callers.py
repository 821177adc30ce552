"""The base class of an app's own kind of callers: users who have a row with their role in a table of the app."""

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
    """A mixin for the table's model: each row gives one user a role."""

    user_id: UUID = Field(primary_key=True, foreign_key="user.id", ondelete="CASCADE")
    role: str = Field(sa_type=Text)


class RoleCallers(TokenCallers):
    """Users who have a row in ``model``'s table. They act in no tenant.

    The app's database role must have the right to read the table. Each request reads the row, in one round trip, so
    access ends at once when the row is deleted. If the table announces its changes with ``notify_access``, a subclass
    can set ``caches_identity``: then no request reads the row, and access ends within a second. The first of
    ``errors`` is raised when a user without a row signs in.
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
        """Return the user with their role, or ``plain_user`` if they have no row."""
        role = await self._role(claims.user_id, sources)
        if role is None:
            return plain_user(claims, access)
        return Identity(self.principal_type(claims.user_id, claims.session_id, role, access.email))

    async def _role(self, user_id: UserId, sources: Sources) -> str | None:
        unit = sources.unit(user_id)
        try:
            holder = await self._holders.one(unit, user_id=user_id)
        finally:
            await unit.close()  # without commit(), which would create a SQLAlchemy session, at half the read's cost
        return None if holder is None else holder.role

    def _holder(self) -> SelectOfScalar[RoleHolder]:
        return select(self.model).where(col(self.model.user_id) == bindparam("user_id"))
