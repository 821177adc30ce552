"""What a caller is granted of requests, as the limits want it."""

from typing import NamedTuple
from uuid import UUID

from insula.limits import AT_ONCE, CEILINGS, DEFAULT_AT_ONCE, RATE, KeyRate, LimitClass
from insula.scope import Identity


class Allowance(NamedTuple):
    """Whose limits count (and whose partition the unit sees), and what they are for one class of requests.

    ``ceiling`` is the class's where it was granted one, ``key`` an API key's own, ``at_once`` of expensive ones.
    """

    partition: UUID
    per_minute: int
    ceiling: int | None = None
    key: KeyRate | None = None
    at_once: int = DEFAULT_AT_ONCE


def of_tenant(identity: Identity, limit_class: LimitClass) -> Allowance:
    """Return what the plan, staff and the API key say. Raises as ``Identity.member_of`` does."""
    tenant, _ = identity.member_of()
    granted, ceiling = tenant.entitlements, CEILINGS.get(limit_class)
    return Allowance(
        tenant.id,
        granted.get(RATE, 0),
        granted.get(ceiling.entitlement) if ceiling else None,
        KeyRate(identity.principal.id, identity.key_rate) if identity.key_rate else None,
        granted.get(AT_ONCE, DEFAULT_AT_ONCE),
    )
