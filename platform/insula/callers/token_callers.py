"""What a kind of caller that signs in must say: the base class of ``Members``, ``Staff`` and an app's own kinds."""

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
"""Every tenant that a sign-in names, in its body, host or header; None among them for a name without a tenant."""

Errors = tuple[type[AppError], ...]
Roles = type[StrEnum]


class Opened(Protocol):
    """What a process has opened to look callers up in, whatever the app."""

    @property
    def directory(self) -> Directory:
        """Users, memberships, staff and keys; answers from memory where it can."""
        ...

    @property
    def database(self) -> Database:
        """The pools."""
        ...


class Sources(NamedTuple):
    """What the callers of one app are looked up in."""

    directory: Directory
    database: Database
    role: DatabaseRole
    """The app's login."""

    def unit(self, user_id: UserId) -> Unit:
        """Return a unit of work with the app's rights. Its tenant is the user's own id: no tenant's row lies there."""
        return self.database.unit(self.role, user_id)


class TokenCallers(ABC):
    """A kind of caller that signs in and sends access tokens of the app's audience.

    The kernel verifies the token, and that its session lives, its user is active and its tenant exists.
    A subclass says which users these callers are. It holds no state of a request.
    """

    scheme: ClassVar = "bearer"
    roles: ClassVar[Roles]
    """The built-in roles of these callers. The policy grants actions to them by name."""
    errors: ClassVar[Errors] = ()
    """What ``sign_in`` can raise, for the documents."""
    remembers: ClassVar[bool] = False
    """Whether an identity is kept until the directory hears of a change of its user or tenant.

    True only if ``identity_of`` reads nothing but the access record, or tables that announce their
    changes with ``notify_access``; else a caller would keep access that was taken away.
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
        """Return the identity that verified ``claims`` stand for now.

        A user who is not one of these callers stays a plain user (``plain_user``), which the guard
        refuses with 403.
        """


def user_of(claims: Claims, access: Access) -> UserPrincipal:
    """Return the user of verified ``claims``."""
    return UserPrincipal(claims.user_id, claims.session_id, access.email)


def plain_user(claims: Claims, access: Access) -> Identity[Principal]:
    """Return a user who is signed in and no more: not one of the callers that the app lets in."""
    return Identity(user_of(claims, access))
