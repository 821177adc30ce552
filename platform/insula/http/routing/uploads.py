"""Uploads: ``route_class=UploadRoute``, and ``body: UploadBody`` to read the body piece by piece.

Nothing is read before the guard has admitted the caller, and nothing is kept in memory. The route limits the size of
the body, and the lowest allowed speed limits its time. The handler runs once, and has no unit of work: each use of the
database is a transaction of its own, ``async with scope.transaction() as now``.
See docs/guides/sockets-streams-uploads.md.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Scope

from insula.core.errors import AppError, BadRequest
from insula.http.kinds import UPLOAD, RouteKind
from insula.http.request.body_limits import CLOSE, check_length
from insula.http.request.headers import headers_of
from insula.http.routing.long_lived import first_of, opened
from insula.http.routing.route import Handler, TenantRoute

_BODY: Final[Mapping[str, object]] = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        async for piece in request.stream():
            if piece:
                yield piece

    return pieces()


UploadBody = Annotated[AsyncIterator[bytes], Depends(_pieces)]
"""The body of an upload, in the pieces that arrive. ``Annotated[UploadBody, Largest(...)]`` sets its limit."""


class UploadRoute(TenantRoute):
    """A route whose handler reads the body piece by piece."""

    kind: ClassVar[RouteKind] = UPLOAD

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = dict(options.pop("openapi_extra", None) or {})
        extra.setdefault("requestBody", _BODY)
        super().__init__(path, endpoint, openapi_extra=extra, **options)

    def get_route_handler(self) -> Handler:
        """Return the handler. It runs once: a body that was read in part cannot be read again."""
        handler, terms, guard, largest = super().get_route_handler(), self.kind.long_lived, self.guard, self.largest
        if terms is None:
            raise TypeError("a kind of uploads says how they end")

        async def run(request: Request) -> Response:
            await guard.admit(request)
            headers = headers_of(request)
            if b"idempotency-key" in headers:
                raise BadRequest("An upload takes no Idempotency-Key: its body is not kept to compare", headers=CLOSE)
            check_length(headers, largest)
            async with opened(request, terms) as connection:
                ended = await first_of(handler(request), connection.wait_for_end())
            if isinstance(ended, AppError):
                ended.headers = {**ended.headers, **CLOSE}
                raise ended
            return ended

        return run


class UploadBounds(NamedTuple):
    """The largest size and the lowest speed of one upload's body."""

    largest: int
    slowest: int | None


class Uploads:
    """Finds the upload route of a request before routing, since ``RequestChecks`` limits bodies."""

    def __init__(self, root: FastAPI) -> None:
        self._found = tuple(_uploads(root, ""))

    def bounds(self, scope: Scope) -> UploadBounds | None:
        """Return the bounds of the upload; None for every other request."""
        path: str = scope["path"]
        for mount, methods, pattern, bounds in self._found:
            if scope["method"] in methods and path.startswith(mount) and pattern.match(path.removeprefix(mount)):
                return bounds
        return None


def _uploads(app: FastAPI, mount: str) -> Iterator[tuple[str, frozenset[str], re.Pattern[str], UploadBounds]]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from _uploads(route.app, mount + route.path)
        elif isinstance(route, UploadRoute):
            bounds = UploadBounds(route.largest, route.kind.slowest_body)
            yield mount, frozenset(context.methods or ()), context.path_regex, bounds
