"""All tasks of a worker, by name, and the scheduled ones: the kernel's and the installation's."""

from types import MappingProxyType

from insula import mail
from insula.apps import Installation
from insula.identity.sessions import expiry
from insula.jobs import Handler, Handlers, Periodic
from insula.worker import housekeeping


def handlers_of(installation: Installation) -> Handlers:
    """Return the handlers of all tasks. Raises ValueError for a duplicate name."""
    mails = mail.jobs(installation.emails, installation.brand.look)
    return _merged(mails, expiry.JOBS, housekeeping.JOBS, installation.jobs)


def periodic_of(installation: Installation) -> tuple[Periodic, ...]:
    """Return all scheduled tasks."""
    return (*expiry.SCHEDULES, *housekeeping.SCHEDULES, *installation.schedules)


def _merged(*offers: Handlers) -> Handlers:
    handlers: dict[str, Handler] = {}
    for offer in offers:
        if twice := handlers.keys() & offer.keys():
            raise ValueError(f"two tasks have the name {', '.join(sorted(twice))}")
        handlers.update(offer)
    return MappingProxyType(handlers)
