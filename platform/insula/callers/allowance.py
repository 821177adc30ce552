"""The requests that a caller is allowed, as the limits want it."""

from typing import NamedTuple
from uuid import UUID

from insula.core.ids import TenantId
from insula.limits import AT_ONCE, Door, LimitClass, door_to


class Allowance(NamedTuple):
    """Whose limits count (and whose partition the unit sees), and what they are for one class of requests.

    ``at_once`` is how many expensive ones may run.
    """

    partition: UUID
    door: Door
    at_once: int = AT_ONCE.default


def of_person(person: UUID, per_minute: int, limit_class: LimitClass) -> Allowance:
    """Return what a user is allowed outside of a tenant. The partition is their own: no tenant's row lies in it."""
    return Allowance(person, door_to(TenantId(person), per_minute, limit_class))
