"""Cross-origin reads, for the origins that the settings name."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from insula.core.errors import BadRequest
from insula.http.middleware.unhandled_errors import refuse

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-API-Key",
    "X-Tenant",
)
_EXPOSED_HEADERS = (
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "WWW-Authenticate",
    "X-Request-ID",
)


class Cors(CORSMiddleware):
    """Starlette's CORS middleware without cookies: tokens are in a header, which browsers never send automatically."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        if "*" in origins:
            raise ValueError("INSULA_HTTP_CORS_ORIGINS must name origins, not '*'")
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_EXPOSED_HEADERS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the answer to a preflight request: a problem if the request is refused."""
        response = super().preflight_response(request_headers)
        return response if response.status_code < HTTPStatus.BAD_REQUEST else _Refused()


class _Refused(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - Starlette's signature
        await refuse(scope, send, BadRequest("This origin, method or header is not allowed across origins"))
