"""What the directory says: a tenant, and what one session's user may reach in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from insula.ids import TenantId, UserId


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
    """

    user_id: UserId
    session_live: bool
    user_status: str
    staff_role: str | None
    tenant: TenantRecord | None
    membership_id: UUID | None
    role: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user is called, where the user is the caller: others see the copy in a membership."""

    id: UserId
    email: str
    name: str
