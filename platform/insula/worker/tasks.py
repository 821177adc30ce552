"""Every task by name, and what is run by the clock. An app's tasks stand in its ``api.JOBS``."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import billing.api
import tenants.api
from insula import mail
from insula.auth import expiry
from insula.jobs import Handler, Handlers
from insula.worker import housekeeping


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task without a tenant that is due by the clock, once for all workers; runs may overlap."""

    task: str
    cron: str  # minute, hour, day, month, weekday and, if there is a sixth, second


def merged(*offers: Handlers) -> Handlers:
    """Return the tasks of all; two of one name are an error."""
    handlers: dict[str, Handler] = {}
    for offer in offers:
        if twice := handlers.keys() & offer.keys():
            raise ValueError(f"two tasks have the name {', '.join(sorted(twice))}")
        handlers.update(offer)
    return MappingProxyType(handlers)


HANDLERS: Final[Mapping[str, Handler]] = merged(
    mail.JOBS, expiry.JOBS, housekeeping.JOBS, billing.api.JOBS, tenants.api.JOBS
)

PERIODIC: Final = (
    Periodic("house.tidy", "*/10 * * * *"),
    Periodic("auth.expire", "*/10 * * * *"),
    Periodic("billing.sweep", "* * * * * */10"),
    Periodic("billing.expire_overrides", "* * * * *"),
    Periodic("tenants.forget_invitations", "17 * * * *"),
    Periodic("tenants.recheck_domains", "*/15 * * * *"),
)
