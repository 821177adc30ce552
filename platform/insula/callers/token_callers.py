"""The interface of callers that sign in: the base class of ``Members``, ``Staff`` and an app's own kinds."""

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol

from insula.callers.identity import Identity
from insula.core.errors import AppError
from insula.core.ids import TenantId, UserId
from insula.db.engine.pools import Database
from insula.db.engine.roles import DatabaseRole
from insula.db.engine.unit import Unit
from insula.identity import Claims
from insula.scope import Principal, UserPrincipal
from insula.tenancy import Access, Directory, TenantRecord

NamedTenants = frozenset[TenantId | None]
"""The tenants that a sign-in names in its body, host or header; None stands for a name that no tenant has."""

Errors = tuple[type[AppError], ...]
Roles = type[StrEnum]


class CallerSources(Protocol):
    """The directory and the database in which callers are looked up, for every app of the process."""

    @property
    def directory(self) -> Directory:
        """Users, memberships, staff and keys; answers from memory where it can."""
        ...

    @property
    def database(self) -> Database:
        """The pools."""
        ...


class Sources(NamedTuple):
    """The directory and the database in which one app looks up its callers."""

    directory: Directory
    database: Database
    role: DatabaseRole
    """The app's database role."""

    def unit(self, user_id: UserId) -> Unit:
        """Return a unit of work with the app's rights. Its tenant id is the user's id, which no tenant's row has."""
        return self.database.unit(self.role, user_id)


class TokenCallers(ABC):
    """A kind of caller that signs in and sends access tokens of the app's audience.

    The kernel verifies the token, and that its session is open, its user is active and its tenant exists.
    A subclass decides which users are callers of its kind. It keeps no state of a request.
    """

    scheme: ClassVar = "bearer"
    roles: ClassVar[Roles]
    """The built-in roles of these callers. The policy grants actions to them by name."""
    errors: ClassVar[Errors] = ()
    """The errors that ``sign_in`` can raise, for the OpenAPI documents."""
    caches_identity: ClassVar[bool] = False
    """Whether an identity is cached until the directory is notified of a change of its user or tenant.

    True only if ``identity_of`` reads nothing but the access record, or tables that announce their
    changes with ``notify_access``; else a caller would keep access that was withdrawn.
    """

    @property
    def actor_kind(self) -> str:
        """The kind of their actors in the audit log."""
        return UserPrincipal.kind

    @abstractmethod
    async def sign_in(self, user_id: UserId, named: NamedTenants, sources: Sources) -> TenantRecord | None:
        """Return the tenant that the user's token is to be bound to, or None for a token without a tenant.

        Raises one of ``errors`` for a user who gets no token.
        """

    @abstractmethod
    async def identity_of(self, claims: Claims, access: Access, sources: Sources) -> Identity[Principal]:
        """Return the current identity of the user of verified ``claims``.

        For a user who is not one of these callers it is ``plain_user``, which the guard refuses with 403.
        """


def user_of(claims: Claims, access: Access) -> UserPrincipal:
    """Return the user of verified ``claims``."""
    return UserPrincipal(claims.user_id, claims.session_id, access.email)


def plain_user(claims: Claims, access: Access) -> Identity[Principal]:
    """Return the identity of a user who is signed in but is not one of the app's callers."""
    return Identity(user_of(claims, access))
