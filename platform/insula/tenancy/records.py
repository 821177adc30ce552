"""The directory's records: a tenant, and the access of a session's user, of an API key, of an OAuth client."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import Row

from insula.core.ids import MemberId, TenantId, UserId

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant with the entitlements of its plan."""

    id: TenantId
    slug: str
    name: str
    status: str
    plan: str
    entitlements: Mapping[str, int]


class DerivedField(Generic[Value]):
    """A field of access records that a higher layer declares, such as the identity that a kind of callers derives.

    Its value is derived from the record alone, computed once, cached with the record and dropped with it.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Access:
    """The current access of a session's user: facts, from which ``insula.callers`` decides.

    ``tenant`` is set even if the user is no member; then ``role`` is None. ``permissions`` are those of a custom role;
    None for a built-in role.
    """

    user_id: UserId
    session_live: bool
    user_status: str
    staff_role: str | None
    tenant: TenantRecord | None
    membership_id: MemberId | None
    role: str | None
    email: str = ""
    permissions: frozenset[str] | None = None
    _derived: dict[object, object] = field(init=False, default_factory=dict, compare=False, repr=False)

    def derived(self, field: DerivedField[Value]) -> Value | None:
        """Return the field's value, or None if it is not computed yet."""
        return cast("Value | None", self._derived.get(field))  # only ``keep`` puts one there

    def keep(self, field: DerivedField[Value], value: Value) -> None:
        """Set the field's value. Copies of the record do not get it."""
        self._derived[field] = value


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """The access of a valid API key in its tenant, and the hashes of its secrets."""

    key_id: UUID
    name: str
    tenant: TenantRecord
    actions: frozenset[str]
    digest: bytes
    previous_digest: bytes | None
    previous_until: float
    expires_at: float | None
    requests_per_minute: int | None = None

    def accepts(self, digest: bytes, now: float) -> bool:
        """Return whether a secret with this digest is valid at ``now``.

        The current secret is valid until the key expires, the previous one only during the overlap.
        """
        if self.expires_at is not None and now >= self.expires_at:
            return False
        return _matches(self, self.digest, digest, now)


@dataclass(frozen=True, slots=True)
class ClientAccess:
    """A client of the authorization server, and the hashes of its secrets."""

    client_id: UUID
    name: str
    tenant: TenantRecord | None
    """The tenant that registered it; None for a client of the platform itself."""
    confidential: bool
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grants: frozenset[str]
    scopes: frozenset[str] | None
    """The actions that its tokens can have; None for a client of the platform itself, whose tokens may have any."""
    digest: bytes | None
    previous_digest: bytes | None
    previous_until: float

    @property
    def tenant_id(self) -> TenantId | None:
        """The id of its tenant, unless it is a client of the platform itself."""
        return self.tenant.id if self.tenant is not None else None

    def accepts(self, digest: bytes, now: float) -> bool:
        """Return whether a secret with this digest is valid at ``now``; a public client accepts none.

        The previous secret is valid only during the overlap.
        """
        return self.digest is not None and _matches(self, self.digest, digest, now)


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A user's own profile; other users see the copy in the membership."""

    id: UserId
    email: str
    name: str
    verified: bool
    version: int = 1


def _matches(held: KeyAccess | ClientAccess, current: bytes, digest: bytes, now: float) -> bool:
    if hmac.compare_digest(digest, current):
        return True
    previous = held.previous_digest
    return previous is not None and now < held.previous_until and hmac.compare_digest(digest, previous)


def tenant_record(row: "Row[tuple[object, ...]]") -> TenantRecord:
    """Return the tenant in a row of ``insula.tenancy.queries``."""
    entitlements: dict[str, int] = json.loads(row.entitlements) if row.entitlements else {}
    return TenantRecord(TenantId(row.tenant_id), row.slug, row.name, row.tenant_status, row.plan, entitlements)
