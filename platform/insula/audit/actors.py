"""Who acts, from where, and on whose chain the act is recorded."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from insula.db.engine.unit import Unit

PLATFORM: Final = UUID(int=0)
"""The chain of acts that belong to no tenant."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. ``label`` is what they were called then, an email or a key's name, where that is at hand.

    ``kind`` is one that the installation declares, and that the database role may name: else the database refuses it.
    """

    kind: str
    id: UUID | None = None
    label: str | None = None


SYSTEM: Final = Actor("system")


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that an act came with; empty for what nobody asked for, such as a periodic job."""

    request_id: str = ""
    address: str = ""


NOWHERE: Final = Origin()


class Audited(Protocol):
    """The part of a scope that recording needs."""

    @property
    def unit(self) -> Unit:
        """The transaction that the record is part of."""
        ...

    @property
    def actor(self) -> Actor:
        """Who acts."""
        ...

    @property
    def chain(self) -> UUID:
        """The tenant acted in, or PLATFORM."""
        ...

    @property
    def request_id(self) -> str:
        """The request's id, as its answer names it."""
        ...

    @property
    def address(self) -> str:
        """The caller's address, as trusted proxies tell it."""
        ...
