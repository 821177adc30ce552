"""Principals: one type for each kind of caller. An app with its own kind of caller defines its own type."""

from dataclasses import dataclass
from typing import ClassVar, Never, Protocol
from uuid import UUID

from insula.access import Policy
from insula.audit import Actor
from insula.core.errors import Forbidden
from insula.core.ids import UserId


class Principal(Protocol):
    """The interface of all principals."""

    @property
    def kind(self) -> str:
        """The name of its kind."""
        ...

    @property
    def id(self) -> UUID:
        """The id that identifies the principal in idempotency keys and log lines."""
        ...

    @property
    def actor(self) -> Actor:
        """How the audit log names the principal."""
        ...


@dataclass(frozen=True, slots=True)
class UserPrincipal:
    """An active user in a live session."""

    user_id: UserId
    session_id: UUID
    email: str

    kind: ClassVar[str] = "user"

    @property
    def id(self) -> UUID:
        """The user's id."""
        return self.user_id

    @property
    def actor(self) -> Actor:
        """How the audit log names the user."""
        return Actor(self.kind, self.user_id, self.email)

    def person(self) -> UserId:
        """Return the user's id; a machine raises Forbidden here."""
        return self.user_id


@dataclass(frozen=True, slots=True)
class ApiKeyPrincipal:
    """An API key of a tenant. It belongs to no member, so it stays valid when the member who created it leaves."""

    key_id: UUID
    name: str
    actions: frozenset[str]
    requests_per_minute: int | None
    """The key's own limit; None if only the tenant's limit applies."""

    kind: ClassVar[str] = "api_key"

    @property
    def id(self) -> UUID:
        """The key's id."""
        return self.key_id

    @property
    def actor(self) -> Actor:
        """How the audit log names the key."""
        return Actor(self.kind, self.key_id, self.name)

    def person(self) -> Never:
        """Raise Forbidden: an API key is no person."""
        raise Forbidden("This is for people, not for API keys")

    def may(self, action: str, _policy: Policy) -> bool:
        """Return whether the key has ``action``."""
        return action in self.actions


@dataclass(frozen=True, slots=True)
class ClientPrincipal:
    """An OAuth client of a tenant that acts for itself, without a user."""

    client_id: UUID
    name: str
    actions: frozenset[str]
    """The client's scopes; its token may have fewer."""

    kind: ClassVar[str] = "oauth_client"

    @property
    def id(self) -> UUID:
        """The client's id."""
        return self.client_id

    @property
    def actor(self) -> Actor:
        """How the audit log names the client."""
        return Actor(self.kind, self.client_id, self.name)

    def person(self) -> Never:
        """Raise Forbidden: an OAuth client is no person."""
        raise Forbidden("This is for people, not for machines")

    def may(self, action: str, policy: Policy) -> bool:
        """Return whether the client has ``action``, and machines can have it at all."""
        return action in policy.for_keys and action in self.actions


@dataclass(frozen=True, slots=True)
class RolePrincipal:
    """An active user in a live session, with one role of their kind and no tenant.

    The base class of ``StaffPrincipal`` and of apps' own kinds.
    """

    user_id: UserId
    session_id: UUID
    role: str
    """The policy grants actions to it."""
    email: str

    kind: ClassVar[str]

    @property
    def id(self) -> UUID:
        """The user's id."""
        return self.user_id

    @property
    def actor(self) -> Actor:
        """How the audit log names the user."""
        return Actor(self.kind, self.user_id, self.email)


@dataclass(frozen=True, slots=True)
class StaffPrincipal(RolePrincipal):
    """A user who belongs to the platform's staff."""

    kind: ClassVar[str] = "staff"

    @property
    def actor(self) -> Actor:
        """How the audit log names the user."""
        return Actor(self.kind, self.user_id)
