"""What a caller is granted of requests, as the limits want it."""

from typing import NamedTuple
from uuid import UUID

from insula.ids import TenantId
from insula.limits import AT_ONCE, CEILINGS, DEFAULT_AT_ONCE, RATE, Door, KeyRate, LimitClass, door_to
from insula.scope import Identity


class Allowance(NamedTuple):
    """Whose limits count (and whose partition the unit sees), and what they are for one class of requests.

    ``at_once`` is how many expensive ones may run.
    """

    partition: UUID
    door: Door
    at_once: int = DEFAULT_AT_ONCE


def of_tenant(identity: Identity, limit_class: LimitClass) -> Allowance:
    """Return what the plan, staff and the API key say. Raises as ``Identity.member_of`` does."""
    known: Allowance | None = identity.derived.get(limit_class)
    if known is None:
        known = identity.derived[limit_class] = _of_tenant(identity, limit_class)
    return known


def of_person(person: UUID, per_minute: int, limit_class: LimitClass) -> Allowance:
    """Return what somebody may ask for themselves, with no tenant."""
    return Allowance(person, door_to(TenantId(person), per_minute, limit_class))


def _of_tenant(identity: Identity, limit_class: LimitClass) -> Allowance:
    tenant, _ = identity.member_of()
    granted, ceiling = tenant.entitlements, CEILINGS.get(limit_class)
    door = door_to(
        tenant.id,
        granted.get(RATE, 0),
        limit_class,
        granted.get(ceiling.entitlement) if ceiling else None,
        KeyRate(identity.principal.id, identity.key_rate) if identity.key_rate else None,
    )
    return Allowance(tenant.id, door, granted.get(AT_ONCE, DEFAULT_AT_ONCE))
