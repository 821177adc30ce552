"""Reads TXT records from the installation's name servers, bounded in time and size."""

from collections.abc import Sequence
from itertools import islice
from typing import Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import structlog
from dns.nameserver import Do53Nameserver

_SECONDS: Final = 3.0
_MOST_RECORDS: Final = 50
_LONGEST_TEXT: Final = 1_024
_log = structlog.get_logger(__name__)


class Resolver(Protocol):
    """Looks up TXT records."""

    async def texts(self, name: str) -> frozenset[str]:
        """Return the TXT records of ``name``; an empty set if there are none or no server answers."""
        ...


class DnsResolver:
    """Asks the name servers at these addresses and ports, or those in the machine's configuration."""

    def __init__(self, servers: Sequence[tuple[str, int]] = (), seconds: float = _SECONDS) -> None:
        self._resolver = _configured() if not servers else dns.asyncresolver.Resolver(configure=False)
        if servers:
            self._resolver.nameservers = [Do53Nameserver(address, port) for address, port in servers]
        self._resolver.timeout = seconds / 2  # of one try, so that a lost packet is sent again
        self._resolver.lifetime = seconds

    async def texts(self, name: str) -> frozenset[str]:
        """Return the TXT records of ``name``, each with its strings joined."""
        try:
            # An absolute name: no search domain of this machine is appended.
            absolute = dns.name.from_text(f"{name}.")
            answer = await self._resolver.resolve(absolute, dns.rdatatype.TXT, search=False, raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError) as error:
            _log.info("dns query unanswered", name=name, reason=type(error).__name__)
            return frozenset()
        found = (b"".join(record.strings) for record in answer.rrset or ())
        short = (text.decode("latin-1") for text in found if len(text) <= _LONGEST_TEXT)
        return frozenset(islice(short, _MOST_RECORDS))


def _configured() -> dns.asyncresolver.Resolver:
    try:
        return dns.asyncresolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return dns.asyncresolver.Resolver(configure=False)  # no servers, so no domain can be verified
