"""Every task by name, and those due by the clock, merged from what the kernel and the apps declare beside them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import billing.api
import tenants.api
from insula import mail
from insula.auth import expiry
from insula.jobs import Handler, Handlers, Periodic
from insula.worker import housekeeping


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

PERIODIC: Final[tuple[Periodic, ...]] = (
    *expiry.SCHEDULES,
    *housekeeping.SCHEDULES,
    *billing.api.SCHEDULES,
    *tenants.api.SCHEDULES,
)
