"""The outermost middleware. One class does all of its work, since each ASGI layer costs time per request."""

import secrets
from random import Random
from time import perf_counter

import structlog
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insula.core.ids import RANDOM_BITS, id_text
from insula.core.logging import AccessLog
from insula.core.settings import Settings
from insula.http.app_context import AppWithContext
from insula.http.metrics import RequestMetrics
from insula.http.middleware.forwarded import RawHeaders
from insula.http.middleware.proxies import Proxies
from insula.http.request_lines import RequestLines
from insula.http.state import RequestState, set_state, state_of

_CLIENT_GONE = 499
_SWITCHING, _FORBIDDEN = 101, 403
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_SECURITY: RawHeaders = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Answers of the API are data: a browser must load, run and frame nothing in them. Pages set their own policy.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"cache-control", b"no-store"),
)
_SECURED = frozenset(name for name, _ in _SECURITY)
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class Edge:
    """Request id, client address, timing, access log, metrics and security headers."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: RequestMetrics) -> None:
        self.app = app
        self.metrics = metrics
        self.log = AccessLog(settings.log_level)
        self.lines = RequestLines(settings.log_level) if settings.log_format == "console" else None
        self.random = Random(secrets.randbits(256))  # noqa: S311 - request ids are no secrets; this saves a system call
        self.proxies = Proxies(settings.http)
        self.sends_timing = settings.environment != "production"  # durations can reveal whether something exists

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, then write one line to the access log and count the request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        begun = perf_counter()
        forwarding = self.proxies.resolve(scope)
        request_id = forwarding.request_id or id_text(self.random.getrandbits(RANDOM_BITS))
        state = RequestState(request_id, forwarding)
        set_state(scope, state)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            kind = message["type"]
            if kind == "http.response.start":
                status = message["status"]
                headers = self._complete(message.get("headers", ()), scope, request_id, begun)
                message = {**message, "headers": headers}
            elif kind == "websocket.accept":
                status = _SWITCHING
                message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", request_id.encode())]}
            elif kind == "websocket.close":
                status = message.get("code", 1000) if status else _FORBIDDEN
            await send(message)

        tokens = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, answer)
        finally:
            self._record(scope, state, status or _CLIENT_GONE, perf_counter() - begun)
            structlog.contextvars.reset_contextvars(**tokens)

    def _complete(self, headers: RawHeaders, scope: Scope, request_id: str, begun: float) -> list[tuple[bytes, bytes]]:
        own = _SECURED.intersection(name for name, _ in headers)
        security = _SECURITY if not own else [pair for pair in _SECURITY if pair[0] not in own]
        complete = [*headers, *security]
        complete.append((b"x-request-id", request_id.encode()))
        if scope["scheme"] == "https":
            complete.append(_HSTS)
        if self.sends_timing:
            complete.append((b"server-timing", b"total;dur=%.1f" % ((perf_counter() - begun) * 1000)))
        return complete

    def _record(self, scope: Scope, state: RequestState, status: int, seconds: float) -> None:
        served = scope["app"]
        app = served.name if isinstance(served, AppWithContext) else "root"
        method: str = scope.get("method", "WEBSOCKET")
        route = route_of(scope)
        self.metrics.observe(app=app, method=method, route=route, status=status, seconds=seconds)
        if self.lines is not None:
            self.lines.write(scope, state, route, status, seconds)
            return
        subject = state.subject
        fields = {
            "request_id": state.request_id,
            "app": app,
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            "client": scope["client"][0] if scope.get("client") else None,
            "tenant": None if subject is None else subject.tenant_id,
            "principal": None if subject is None else subject.principal_id,
        }
        self.log.write("debug" if route in _PROBES else "info", fields)


def route_of(scope: Scope) -> str:
    """Return the path template of the request's route, with its mount; never the path that was sent."""
    mount: str = scope.get("root_path", "")
    found = state_of(scope).template
    if found is not None:
        return mount + found
    # FastAPI keeps the full path of an included route, with the prefixes of its routers, here.
    context = scope.get("fastapi", {}).get("effective_route_context")
    route = context or scope.get("route")
    template: str | None = getattr(route, "path_format", None)
    if template is not None:
        return mount + template
    return f"{mount}/..." if isinstance(scope.get("endpoint"), StaticFiles) else "unmatched"
