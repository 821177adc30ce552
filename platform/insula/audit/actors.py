"""The actor of an act, the request it came from, and the chain that records it."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from insula.db.engine.unit import Unit

PLATFORM: Final = UUID(int=0)
"""The chain of acts that belong to no tenant."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The originator of an act, such as a user or an API key; ``label`` is the email or key name at that time.

    The installation must declare ``kind``, also for the database role: otherwise the database refuses the event.
    """

    kind: str
    id: UUID | None = None
    label: str | None = None


SYSTEM: Final = Actor("system")


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that caused an act; empty if no request did, as for a periodic job."""

    request_id: str = ""
    address: str = ""


NO_ORIGIN: Final = Origin()


class Audited(Protocol):
    """The part of a scope that recording needs."""

    @property
    def unit(self) -> Unit:
        """The unit of work whose transaction writes the event."""
        ...

    @property
    def actor(self) -> Actor:
        """The actor."""
        ...

    @property
    def chain(self) -> UUID:
        """The id of the tenant in which the actor acts, or PLATFORM."""
        ...

    @property
    def request_id(self) -> str:
        """The request's id, as sent in its response."""
        ...

    @property
    def address(self) -> str:
        """The caller's address, as reported by trusted proxies."""
        ...
