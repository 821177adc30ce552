"""The kernel's own tasks by name, and those due by the clock. Resources declare theirs."""

from types import MappingProxyType
from typing import Final

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


HANDLERS: Final[Handlers] = merged(mail.JOBS, expiry.JOBS, housekeeping.JOBS)

PERIODIC: Final[tuple[Periodic, ...]] = (
    *expiry.SCHEDULES,
    *housekeeping.SCHEDULES,
)
