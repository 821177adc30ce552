"""Host names: parses the tenant's slug from a subdomain, and checks a tenant's custom host name. Pure functions."""

import ipaddress
import re
from typing import Final
from uuid import UUID

import dns.exception
import dns.name

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
SLUG: Final = re.compile(_LABEL)
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")
CHALLENGE: Final = "_insula-challenge"
"""The label under a host whose TXT record proves that the tenant controls the host."""

LONGEST_HOST: Final = 253 - len(f"{CHALLENGE}.")
_PUBLIC: Final = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])")  # matches no IP address
_DOTS: Final = str.maketrans("。．｡", "...")  # noqa: RUF001  # IDNA treats these as dots
# Top-level domains that public DNS does not serve, or that mean this machine or this network.
_RESERVED: Final = frozenset(
    {"alt", "arpa", "corp", "example", "home", "internal", "invalid", "lan", "local", "localdomain", "localhost"}
    | {"mail", "onion", "test"}
)


def normal_host(host: str) -> str | None:
    """Return ``host`` in lower case without port and final dot; None for an IP address or a malformed name."""
    name = _PORT.sub("", host.lower()).rstrip(".")
    if not _HOST.fullmatch(name):
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name
    return None


def slug_of_host(host: str, base_domain: str) -> str | None:
    """Return the slug of ``{slug}.{base domain}``; None for every other host."""
    slug, dot, rest = host.partition(".")
    return slug if dot and rest == base_domain.lower().rstrip(".") and SLUG.fullmatch(slug) else None


def as_uuid(name: str) -> UUID | None:
    """Return ``name`` as an id, if it is one."""
    try:
        return UUID(name)
    except ValueError:
        return None


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
        raise ValueError(f"A host name may have at most {LONGEST_HOST} characters")
    if host.rpartition(".")[2] in _RESERVED:
        raise ValueError("This domain is reserved: no public DNS answers for it")
    return host


def is_within(host: str, domain: str) -> bool:
    """Return whether ``host`` is ``domain`` or under it."""
    return host == domain or host.endswith(f".{domain}")
