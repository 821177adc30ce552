"""What the request's headers say of who asks and for which tenant. They select; they never grant."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from insula.errors import BadRequest, Unauthenticated
from insula.settings import Settings

MAX_CREDENTIALS = 8192  # bytes of an Authorization header: an access token has about 1,000
MAX_HINT = 255
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """The names under which this installation itself is served, and where tenants' names hang."""

    exact: frozenset[str]
    suffix: str

    def has(self, host: str) -> bool:
        """Return whether ``host`` is the installation's own, a tenant's subdomain included."""
        return host in self.exact or host.endswith(self.suffix)


@dataclass(frozen=True, slots=True)
class TenantHints:
    """Which tenant the request names besides its token; None where it names none."""

    host: str | None
    named: str | None


def own_hosts(settings: Settings) -> OwnHosts:
    """Return the hosts that ``settings`` declare."""
    return _own_hosts(settings.public_url, settings.base_domain, settings.http.allowed_hosts)


def host_of(connection: HTTPConnection) -> str:
    """Return the host that the request names: lower case, no port, no final dot."""
    return normal_host(connection.headers.get("host", ""))


def normal_host(value: str) -> str:
    """Return the name in a Host header's ``value``: lower case, no port, no final dot."""
    if value.startswith("["):
        return value.split("]", 1)[0].lower() + "]"
    return value.rsplit(":", 1)[0].lower().removesuffix(".")


def bearer_token(connection: HTTPConnection) -> str:
    """Return the bearer token. Raises Unauthenticated without exactly one of bounded length."""
    values = connection.headers.getlist("authorization")
    if len(values) != 1 or len(values[0]) > MAX_CREDENTIALS or values[0][: len(_SCHEME)].lower() != _SCHEME:
        raise Unauthenticated
    return values[0][len(_SCHEME) :].strip()


def tenant_hints(connection: HTTPConnection, settings: Settings) -> TenantHints:
    """Return the tenant hints of host and X-Tenant. Raises BadRequest for more than one X-Tenant."""
    named = connection.headers.getlist("x-tenant")
    if len(named) > 1 or any(len(name) > MAX_HINT for name in named):
        raise BadRequest("X-Tenant must be sent once and short")
    host = host_of(connection)
    return TenantHints(None if host in own_hosts(settings).exact else host, named[0] if named else None)


@lru_cache(maxsize=16)
def _own_hosts(public_url: str, base_domain: str, allowed: tuple[str, ...]) -> OwnHosts:
    public = urlsplit(public_url).hostname or ""
    base = base_domain.lower()
    return OwnHosts(frozenset({public, base, *(name.lower() for name in allowed)}), f".{base}")
