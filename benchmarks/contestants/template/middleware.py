"""Three middlewares, each a ``BaseHTTPMiddleware``, as the framework's documentation shows them."""

import logging
import time
from uuid import uuid4  # noqa: TID251  # as templates do

from fastapi import Request, Response
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint  # noqa: TID251  # as templates do

_log = logging.getLogger("template")


class RequestId(BaseHTTPMiddleware):
    """Gives the request an id."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Add the id to the answer."""
        request.state.request_id = request.headers.get("X-Request-Id") or str(uuid4())
        response = await call_next(request)
        response.headers["X-Request-Id"] = request.state.request_id
        return response


class Timing(BaseHTTPMiddleware):
    """Measures the time of the request."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Add the time to the answer."""
        begun = time.perf_counter()
        response = await call_next(request)
        response.headers["X-Process-Time"] = f"{time.perf_counter() - begun:.4f}"
        return response


class SecurityHeaders(BaseHTTPMiddleware):
    """Adds security headers."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Add the headers."""
        response = await call_next(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
