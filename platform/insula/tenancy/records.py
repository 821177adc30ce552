"""What the directory says: a tenant, and what one session's user, or one API key, may reach in it."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from insula.core.ids import MemberId, TenantId, UserId


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant with the entitlements of its plan."""

    id: TenantId
    slug: str
    name: str
    status: str
    plan: str
    entitlements: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Access:
    """What a session's user may reach now: facts, for the scope to judge.

    ``tenant`` is there whether or not the user is a member; ``role`` is None for who is not.
    ``permissions`` are those of a role of the tenant's own; None for a built-in one.
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
    derived: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    """Values derived from this record, by the object that derives them; dropped with the record."""


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """What an API key that is not revoked may do in its tenant, and which secrets it opens to."""

    key_id: UUID
    name: str
    tenant: TenantRecord
    actions: frozenset[str]
    digest: bytes
    previous_digest: bytes | None
    previous_until: float
    expires_at: float | None
    requests_per_minute: int | None = None

    def opens_to(self, digest: bytes, now: float) -> bool:
        """Whether a secret with this digest is good at ``now``: before it expires, the one before its overlap ends."""
        if self.expires_at is not None and now >= self.expires_at:
            return False
        if hmac.compare_digest(digest, self.digest):
            return True
        previous = self.previous_digest
        return previous is not None and now < self.previous_until and hmac.compare_digest(digest, previous)


@dataclass(frozen=True, slots=True)
class UserProfile:
    """What a user is called, where the user is the caller: others see the copy in a membership."""

    id: UserId
    email: str
    name: str
    verified: bool
    version: int = 1


def tenant_record(row: "Row[tuple[object, ...]]") -> TenantRecord:
    """Return the tenant of a row of ``insula.tenancy.queries``."""
    entitlements: dict[str, int] = json.loads(row.entitlements) if row.entitlements else {}
    return TenantRecord(TenantId(row.tenant_id), row.slug, row.name, row.tenant_status, row.plan, entitlements)
