"""Hosts of slugs that tenants had before: for a while they lead on, and nothing is done under them."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from insula.core.errors import BadRequest
from insula.core.settings import Settings
from insula.http.errors import HostMoved
from insula.http.middleware.gate import HOSTLESS
from insula.http.request.headers import head_of, own_hosts

Successor = Callable[[Scope, str], Awaitable[str | None]]
"""Gives the slug that replaced the one in a host name, if one did."""

_SAFE = frozenset({"GET", "HEAD"})
_UNTOUCHED = "/%:@!$&'()*+,;=~"  # of a path, besides letters, digits and -._


class Moved:
    """Answers 308 to a safe method under a former slug. Raises HostMoved for every other.

    The target is the new slug under the configured base domain, never what the Host header says.
    """

    def __init__(self, app: ASGIApp, settings: Settings, successor: Successor) -> None:
        self.app = app
        self.hosts = own_hosts(settings)
        self.successor = successor
        public = urlsplit(settings.public_url)
        self.scheme = public.scheme
        self.place = settings.base_domain.lower() + (f":{public.port}" if public.port else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let everything through that came to a host of today."""
        host = head_of(scope).host if scope["type"] in ("http", "websocket") else ""
        slug = None
        if host.endswith(self.hosts.suffix) and scope["path"] not in HOSTLESS:
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
    """Return path and query, as they were sent, in characters that a header may hold."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    if not path.startswith(b"/"):
        raise BadRequest("The request's target must be a path")  # behind an authority anything else would extend it
    target = quote(path, safe=_UNTOUCHED)
    return f"{target}?{quote(query, safe=_UNTOUCHED + '?')}" if query else target
