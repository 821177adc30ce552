"""Which tenant a request names by its host or by ``X-Tenant``. A hint selects, it never grants."""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from insula.errors import BadRequest
from insula.settings import Settings

SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")


@dataclass(frozen=True, slots=True)
class Hints:
    """``host``: a tenant's host name, or None for one of our own. ``named``: the value of X-Tenant."""

    host: str | None
    named: str | None

    def __bool__(self) -> bool:
        return self.host is not None or self.named is not None


def read_hints(headers: Iterable[tuple[bytes, bytes]], own_hosts: Collection[str]) -> Hints:
    """Return the hints of raw ASGI ``headers``. Raises BadRequest for a header that stands twice."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name in (b"host", b"x-tenant"):
            if name in found:
                raise BadRequest(f"The header {name.decode()} stands twice")
            found[name] = value.decode("latin-1").strip()
    host = normal_host(found[b"host"]) if b"host" in found else None
    return Hints(None if host is None or host in own_hosts else host, found.get(b"x-tenant"))


def own_hosts(settings: Settings) -> frozenset[str]:
    """Return the host names that are the platform's own and therefore name no tenant."""
    named = {settings.base_domain, urlsplit(settings.public_url).hostname or "", *settings.http.allowed_hosts}
    return frozenset(name.lower().rstrip(".") for name in named if name)


def normal_host(host: str) -> str | None:
    """Return ``host`` in lower case without port and final dot; None for an address or a malformed one."""
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
