"""Cross-origin reads, for the origins that the settings name."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from insula.errors import BadRequest

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ASKED = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Tenant")
_TOLD = (
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
    """Never with cookies: requests carry their tokens in a header, so no credentials cross by themselves."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        if "*" in origins:
            raise ValueError("INSULA_HTTP_CORS_ORIGINS must name origins, not '*'")
        super().__init__(app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_ASKED, expose_headers=_TOLD)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the answer to a preflight. Raises BadRequest for one that is refused."""
        response = super().preflight_response(request_headers)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise BadRequest("This origin, method or header is not allowed across origins")
        return response
