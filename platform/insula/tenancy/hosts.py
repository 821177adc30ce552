"""Validates and normalizes the host names of custom domains. Pure."""

import re
from typing import Final

import dns.exception
import dns.name

CHALLENGE: Final = "_insula-challenge"
"""The label under a host whose TXT record proves that the tenant controls the host."""

LONGEST_HOST: Final = 253 - len(f"{CHALLENGE}.")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PUBLIC: Final = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])")  # matches no IP address
_DOTS: Final = str.maketrans("。．｡", "...")  # noqa: RUF001  # IDNA treats these as dots
# Top-level domains that public DNS does not serve, or that mean this machine or this network.
_RESERVED: Final = frozenset(
    {"alt", "arpa", "corp", "example", "home", "internal", "invalid", "lan", "local", "localdomain", "localhost"}
    | {"mail", "onion", "test"}
)


def public_host(text: str) -> str:
    """Return the host name in DNS form: lower case, A-labels, no final dot.

    Raises ValueError for an IP address, a single label, a reserved name, or text that is no host name.
    """
    if "\\" in text:
        raise ValueError("This is not a host name")  # dnspython reads it as an escape
    try:
        name = dns.name.from_text(text.strip().translate(_DOTS), idna_codec=dns.name.IDNA_2008_UTS_46)
    except (dns.exception.DNSException, UnicodeError) as malformed:
        raise ValueError("This is not a host name") from malformed
    host = name.to_text(omit_final_dot=True).lower()
    if not _PUBLIC.fullmatch(host):
        raise ValueError("This is not a host name with a public domain")
    if len(host) > LONGEST_HOST:
        raise ValueError(f"A host name may have {LONGEST_HOST} characters")
    if host.rpartition(".")[2] in _RESERVED:
        raise ValueError("This domain is reserved: no public DNS answers for it")
    return host


def within(host: str, domain: str) -> bool:
    """Tell whether ``host`` is ``domain`` or under it."""
    return host == domain or host.endswith(f".{domain}")
