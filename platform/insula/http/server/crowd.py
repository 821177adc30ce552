"""Which connection makes room when there are too many, in all or from one address."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from enum import IntEnum
from ipaddress import IPv6Address
from typing import Final, Protocol, TypeVar

from insula.core.settings import HttpSettings
from insula.http.request.addresses import Network, parse_address, parse_network

_SITE_BITS: Final = 64  # what one customer of an IPv6 provider has, at least
_LOOKED_AT: Final = 64
Home = tuple[int, int]
"""An IPv4 address, or the IPv6 network of one site: who may hold so many connections."""


class Claim(IntEnum):
    """What a connection would lose, the least first."""

    NOTHING = 0  # it has sent no whole request
    IDLE = 1  # it may send another request
    BODY = 2  # its request, of which the body is missing
    SLOW_ANSWER = 3  # the rest of an answer that it has been reading for long
    WORK = 4  # its request: never taken


class Member(Protocol):
    """What is asked of a connection."""

    home: Home | None
    heard: float

    @property
    def claim(self) -> Claim:
        """What it would lose now."""
        ...


AnyMember = TypeVar("AnyMember", bound=Member)


class Crowd:
    """The bounds on open connections, and the order in which they give way."""

    def __init__(self, settings: HttpSettings) -> None:
        self._most = settings.max_connections
        self._most_of_one = settings.max_connections_per_address
        self._proxies: Sequence[Network] = [parse_network(network) for network in settings.trusted_proxies]

    def home_of(self, client: tuple[str, int] | None) -> Home | None:
        """Return who holds a connection from ``client``; None for a trusted proxy, which holds everybody's."""
        address = None if client is None else parse_address(client[0])
        if address is None or any(address in network for network in self._proxies):
            return None
        if isinstance(address, IPv6Address):
            return 6, int(address) >> _SITE_BITS
        return 4, int(address)

    def is_full(self, count: int) -> bool:
        """Tell whether so many connections may be too many, in all or of one address."""
        return count > self._most or count > self._most_of_one

    def giving_way(self, newcomer: AnyMember, members: Collection[AnyMember], count: int) -> AnyMember | None:
        """Return the connection that must end, which may be the newcomer, or None when there is room.

        The address that holds most loses first, then what loses least, then what has been silent for
        longest; of a large crowd some are looked at, since each newcomer has this done. ``count`` is of
        all connections, ``members`` of those that can be asked.
        """
        held = Counter(member.home for member in members if member.home is not None)
        mine = 1 if newcomer.home is None else held[newcomer.home]
        if newcomer.home is not None and mine > self._most_of_one:
            among = [member for member in members if member.home == newcomer.home]
        elif count > self._most:
            among = [*members]
        else:
            return None

        groups: defaultdict[int, list[AnyMember]] = defaultdict(list)
        for member in among:
            if member is not newcomer:
                groups[1 if member.home is None else held[member.home]].append(member)
        for holds in sorted(groups, reverse=True):
            for start in range(0, len(groups[holds]), _LOOKED_AT):
                some = [(member.claim, member) for member in groups[holds][start : start + _LOOKED_AT]]
                losing = [
                    (claim, member)
                    for claim, member in some
                    if claim <= Claim.IDLE or (claim < Claim.WORK and holds >= mine)
                ]
                if losing:
                    return min(losing, key=lambda pair: (pair[0], pair[1].heard))[1]
        return newcomer
