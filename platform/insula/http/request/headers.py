"""Reads the headers that carry credentials or name a tenant. Naming a tenant gives no access to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import Scope

from insula.core.errors import BadRequest, Unauthenticated
from insula.core.settings import Settings
from insula.http.errors import DuplicateHeader, HeaderTooLarge
from insula.http.state import BEARER, RequestHead, is_bearer, state_of

MAX_CREDENTIALS = 8192  # bytes of an Authorization header: an access token has about 1,000
MAX_HINT = 255
_MAX_HEADER = 16_384
# If one of these is sent twice, a proxy may use the first value and this server the last.
_SINGLE = frozenset(
    {b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"if-match", b"origin"}
    | {b"x-api-key", b"x-tenant"}
)
_READ = frozenset({b"transfer-encoding"}) | _SINGLE


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """The host names of the installation itself, and the suffix of tenants' subdomains."""

    exact: frozenset[str]
    suffix: str

    def has(self, host: str) -> bool:
        """Return whether ``host`` is a name of the installation or a subdomain for a tenant."""
        return host in self.exact or host.endswith(self.suffix)


class TenantHints(NamedTuple):
    """The tenant that Host and X-Tenant name, besides the credentials; None where they name none."""

    host: str | None
    named: str | None


def read_headers(scope: Scope) -> dict[bytes, bytes]:
    """Return the headers in ``_READ``, after checks of all headers.

    Raises DuplicateHeader, HeaderTooLarge, or BadRequest for a NUL.
    """
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if len(value) > _MAX_HEADER:
            raise HeaderTooLarge
        if name in _READ:
            if name in found:
                raise DuplicateHeader(f"{name.decode()} was sent more than once")
            found[name] = value
        if b"\0" in value:
            raise BadRequest("A header holds a NUL character")
    if len(found.get(b"authorization", b"")) > MAX_CREDENTIALS:
        raise HeaderTooLarge
    return found


def head_of(scope: Scope) -> RequestHead:
    """Return the head of this request. The first call reads it, and raises what ``read_headers`` raises."""
    state = state_of(scope)
    head = state.head
    if head is None:
        headers = read_headers(scope)
        head = state.head = RequestHead(headers, normal_host(headers.get(b"host", b"").decode("latin-1")))
    return head


def headers_of(connection: HTTPConnection) -> Mapping[bytes, bytes]:
    """Return the headers that ``read_headers`` finds."""
    return head_of(connection.scope).headers


def own_hosts(settings: Settings) -> OwnHosts:
    """Return the hosts that ``settings`` declare."""
    return _own_hosts(settings.public_url, settings.base_domain, settings.http.allowed_hosts)


def normal_host(value: str) -> str:
    """Return the name in a Host header's ``value``: lower case, no port, no final dot."""
    if value.startswith("["):
        return value.split("]", 1)[0].lower() + "]"
    return value.rsplit(":", 1)[0].lower().removesuffix(".")


def bearer_token(headers: Mapping[bytes, bytes]) -> str:
    """Return the bearer token. Raises Unauthenticated if it is missing or too long."""
    value = headers.get(b"authorization", b"")
    if len(value) > MAX_CREDENTIALS or not is_bearer(value):
        raise Unauthenticated
    return value[len(BEARER) :].strip().decode("latin-1")


def tenant_hints(connection: HTTPConnection, settings: Settings) -> TenantHints:
    """Return the tenant hints of host and X-Tenant. Raises BadRequest for a long X-Tenant."""
    head = head_of(connection.scope)
    named = head.headers.get(b"x-tenant")
    if named is not None and len(named) > MAX_HINT:
        raise BadRequest("X-Tenant must have at most 255 characters")
    return TenantHints(
        None if head.host in own_hosts(settings).exact else head.host,
        None if named is None else named.decode("latin-1"),
    )


@lru_cache(maxsize=16)
def _own_hosts(public_url: str, base_domain: str, allowed: tuple[str, ...]) -> OwnHosts:
    public = urlsplit(public_url).hostname or ""
    base = base_domain.lower()
    return OwnHosts(frozenset({public, base, *(name.lower() for name in allowed)}), f".{base}")
