"""Refuses requests that are ambiguous, oversized, malformed or meant for another host, before they reach a route."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insula.core.errors import BadRequest, Forbidden
from insula.core.settings import Settings
from insula.http.errors import BodyError, BodyTimeout, UnknownHost
from insula.http.request.body_limits import CLOSE, SizedBody, check_length, has_body
from insula.http.request.headers import head_of, own_hosts
from insula.http.routing.uploads import Uploads
from insula.http.state import UnreadableForwarding, state_of

VerifiedHost = Callable[[Scope, str], Awaitable[bool]]
_MAX_TARGET = 16_384
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Probes use an address, not a host name; these answers contain no link and no data of a tenant.
ANY_HOST_PATHS = frozenset({"/healthz", "/readyz"})


class RequestChecks:
    """Checks headers, target and host, and bounds the body. Raises AppErrors."""

    def __init__(self, app: ASGIApp, settings: Settings, verified_host: VerifiedHost) -> None:
        self.app = app
        self.hosts = own_hosts(settings)
        self.verified_host = verified_host
        self.body_limit = settings.http.body_limit
        self.body_timeout = settings.http.body_timeout
        self.uploads: Uploads | None = None
        self.origins = frozenset({settings.public_url.rstrip("/"), *settings.http.cors_origins})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, limit its body and run the app."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        forwarding = state_of(scope).forwarding
        if isinstance(forwarding, UnreadableForwarding):
            raise forwarding.error
        head = head_of(scope)
        headers, host = head.headers, head.host
        head.may_name_tenant = b"x-tenant" in headers or host not in self.hosts.exact
        check_target(scope)
        if not self.hosts.has(host):
            await self._check_host(scope, host)
        if scope["type"] == "websocket":
            self._check_origin(headers)
        elif has_body(headers):
            if self.uploads is None:
                self.uploads = Uploads(scope["app"])  # by the first request all routes have been added
            limit, slowest = self.uploads.bounds(scope) or (self.body_limit, None)
            check_length(headers, limit)
            receive = BoundedBody(receive, limit, self.body_timeout, slowest)
        await self.app(scope, receive, send)

    async def _check_host(self, scope: Scope, host: str) -> None:
        if scope["path"] in ANY_HOST_PATHS:
            return
        if not _HOST.fullmatch(host) or not await self.verified_host(scope, host):
            raise UnknownHost

    def _check_origin(self, headers: Mapping[bytes, bytes]) -> None:
        # A browser lets any page open a WebSocket, with the user's cookies: the server must check the page's origin.
        origin = headers.get(b"origin")
        if origin is None:
            return
        text = origin.decode("latin-1")
        if text not in self.origins and text.partition("://")[2].encode("latin-1") != headers.get(b"host"):
            raise Forbidden("WebSockets are not open to this origin")


class BoundedBody:
    """A ``receive`` that limits the request body in size and time.

    The time grows by a second for each ``slowest`` bytes that have arrived, if ``slowest`` is given.
    """

    def __init__(self, receive: Receive, limit: int, timeout: float, slowest: int | None = None) -> None:
        self.receive = SizedBody(receive, limit)
        self.timeout = timeout
        self.slowest = slowest
        self.deadline: float | None = None
        self.ended = False

    async def __call__(self) -> Message:
        """Return the next message. Raises BodyError when the body is too large or too late."""
        if self.ended:
            return await self.receive()
        if self.deadline is None:
            self.deadline = asyncio.get_running_loop().time() + self.timeout
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self.receive()
        except TimeoutError:
            raise BodyError(BodyTimeout(headers=CLOSE)) from None
        if message["type"] == "http.request":
            self.ended = not message.get("more_body", False)
            if self.slowest is not None:
                self.deadline += len(message.get("body", b"")) / self.slowest
        return message


def check_target(scope: Scope) -> None:
    """Raise BadRequest if path or query are too long, or contain a NUL, a broken escape or invalid UTF-8."""
    path, query = scope.get("raw_path") or scope["path"].encode(), scope.get("query_string", b"")
    if len(path) + len(query) > _MAX_TARGET:
        raise BadRequest("The request's target is too long")
    if b"%" in path or b"%" in query:
        for part in (path, query):
            decoded = unquote_to_bytes(part)
            if b"\0" in decoded or _BROKEN_ESCAPE.search(part) or not _is_utf8(decoded):
                raise BadRequest("The request's target is not valid percent-encoded UTF-8, or holds a NUL character")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
