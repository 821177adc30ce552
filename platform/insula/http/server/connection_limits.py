"""Chooses the connection to close when too many are open, in total or from one address."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from enum import IntEnum
from ipaddress import IPv6Address
from typing import Final, Protocol, TypeVar

from insula.core.settings import HttpSettings
from insula.http.request.addresses import Network, parse_address, parse_network

_NETWORK_BITS: Final = 64  # the smallest network that an IPv6 provider assigns to a customer
_SAMPLE: Final = 64
Source = tuple[int, int]
"""The IP version, and an IPv4 address or an IPv6 /64 network: the unit that a limit per address counts."""


class Loss(IntEnum):
    """What closing a connection would destroy, the least first."""

    NOTHING = 0  # it has not sent a whole request
    IDLE = 1  # it waits between requests
    BODY = 2  # a request whose body has not arrived completely
    SLOW_ANSWER = 3  # the rest of an answer that the client has been reading for a long time
    WORK = 4  # a running request; such a connection is never closed


class Candidate(Protocol):
    """A connection that may be closed."""

    source: Source | None
    last_received: float

    @property
    def loss(self) -> Loss:
        """What closing it now would destroy."""
        ...


AnyCandidate = TypeVar("AnyCandidate", bound=Candidate)


class ConnectionLimits:
    """The limits on open connections, and the order in which connections are closed."""

    def __init__(self, settings: HttpSettings) -> None:
        self._most = settings.max_connections
        self._most_of_one = settings.max_connections_per_address
        self._proxies: Sequence[Network] = [parse_network(network) for network in settings.trusted_proxies]

    def source_of(self, client: tuple[str, int] | None) -> Source | None:
        """Return the source of a connection from ``client``; None for a trusted proxy, which is not limited."""
        address = None if client is None else parse_address(client[0])
        if address is None or any(address in network for network in self._proxies):
            return None
        if isinstance(address, IPv6Address):
            return 6, int(address) >> _NETWORK_BITS
        return 4, int(address)

    def may_be_exceeded(self, count: int) -> bool:
        """Return whether ``count`` connections may exceed a limit: the total, or that of one address."""
        return count > self._most or count > self._most_of_one

    def to_close(self, newcomer: AnyCandidate, candidates: Collection[AnyCandidate], count: int) -> AnyCandidate | None:
        """Return the connection to close, possibly the newcomer, or None if no limit is exceeded.

        Sources with the most connections come first, then the least loss, then the longest silence. Of many
        connections only a sample is compared, since every new connection repeats this. A request that has begun to
        arrive is dropped only for a source with at most as many connections. ``count`` is the number of all
        connections; ``candidates`` are those that this server can close.
        """
        held = Counter(candidate.source for candidate in candidates if candidate.source is not None)
        mine = 1 if newcomer.source is None else held[newcomer.source]
        if newcomer.source is not None and mine > self._most_of_one:
            among = [candidate for candidate in candidates if candidate.source == newcomer.source]
        elif count > self._most:
            among = [*candidates]
        else:
            return None

        groups: defaultdict[int, list[AnyCandidate]] = defaultdict(list)
        for candidate in among:
            if candidate is not newcomer:
                groups[1 if candidate.source is None else held[candidate.source]].append(candidate)
        for holds in sorted(groups, reverse=True):
            for start in range(0, len(groups[holds]), _SAMPLE):
                sample = [(candidate.loss, candidate) for candidate in groups[holds][start : start + _SAMPLE]]
                closable = [
                    (loss, candidate)
                    for loss, candidate in sample
                    if loss <= Loss.IDLE or (loss < Loss.WORK and holds >= mine)
                ]
                if closable:
                    return min(closable, key=lambda pair: (pair[0], pair[1].last_received))[1]
        return newcomer
