"""Parses the tenant's slug from a host name. Pure: does not look up whether there is such a tenant."""

import ipaddress
import re
from typing import Final
from uuid import UUID

SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")


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
