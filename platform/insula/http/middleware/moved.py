"""Redirects hosts of tenants' former slugs for a while. Only safe methods are redirected; others are refused."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from insula.core.errors import BadRequest
from insula.core.settings import Settings
from insula.http.errors import HostMoved
from insula.http.middleware.request_checks import ANY_HOST_PATHS
from insula.http.request.headers import head_of, own_hosts

Successor = Callable[[Scope, str], Awaitable[str | None]]
"""Returns the current slug of the tenant whose former slug is in the host name; None if it is no former slug."""

_SAFE = frozenset({"GET", "HEAD"})
_UNQUOTED = "/%:@!$&'()*+,;=~"  # characters of a path that are not escaped, besides letters, digits and -._


class Moved:
    """Answers a safe method under a former slug with 308. Raises HostMoved for other methods.

    The target is the new slug under the configured base domain; nothing in it comes from the Host header.
    """

    def __init__(self, app: ASGIApp, settings: Settings, successor: Successor) -> None:
        self.app = app
        self.hosts = own_hosts(settings)
        self.successor = successor
        public = urlsplit(settings.public_url)
        self.scheme = public.scheme
        self.place = settings.base_domain.lower() + (f":{public.port}" if public.port else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect or refuse requests to former slugs; pass all others on."""
        host = head_of(scope).host if scope["type"] in ("http", "websocket") else ""
        slug = None
        if host.endswith(self.hosts.suffix) and scope["path"] not in ANY_HOST_PATHS:
            slug = await self.successor(scope, host)
        if slug is None:
            await self.app(scope, receive, send)
            return
        if scope.get("method") not in _SAFE:
            raise HostMoved
        location = f"{self.scheme}://{slug}.{self.place}{_target(scope)}"
        headers = [(b"location", location.encode("ascii")), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": HTTPStatus.PERMANENT_REDIRECT, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _target(scope: Scope) -> str:
    """Return the sent path and query, with the characters escaped that a header must not contain."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    if not path.startswith(b"/"):
        raise BadRequest("The request's target must be a path")  # without a slash it would extend the host name
    target = quote(path, safe=_UNQUOTED)
    return f"{target}?{quote(query, safe=_UNQUOTED + '?')}" if query else target
