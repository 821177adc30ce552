"""Checks an app's routes at startup: each is guarded for callers that the app declares, or declared public."""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from insula.http.app_context import AppContext
from insula.http.routing.idempotency import operation_of
from insula.http.routing.route import TenantRoute, UndeclaredRoute, guard_of
from insula.http.routing.sockets import SocketRoute

DOCUMENTATION: Final = frozenset({"GET /docs", "GET /redoc", "GET /openapi.json"})
"""The public routes of every app."""


class RepeatedOperation(RuntimeError):
    """Two operations of an app have one name."""


def check_routes(app: FastAPI, name: str, public: AbstractSet[str]) -> None:
    """Raise UndeclaredRoute when a route of ``app`` is neither guarded nor in ``public``.

    Raise RepeatedOperation when two guarded operations share a name: they would share idempotency keys.
    """
    undeclared = sorted(route for route in _unguarded(app) if route not in public)
    if undeclared:
        raise UndeclaredRoute(f"{name}: {', '.join(undeclared)}: neither allow(...) nor on the public list")
    repeated = sorted(operation for operation, count in Counter(_operations(app)).items() if count > 1)
    if repeated:
        raise RepeatedOperation(
            f"{name}: {', '.join(repeated)}: the name of more than one operation; rename all but one"
        )


def _operations(app: FastAPI) -> Iterator[str]:
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, TenantRoute):
            yield operation_of(context.original_route)


def check_callers(app: FastAPI, context: AppContext) -> None:
    """Raise UndeclaredRoute if the guard of a route admits no kind of caller that the app declares."""
    for route in iter_route_contexts(app.routes):
        guard = guard_of(route.endpoint) if route.endpoint is not None else None
        if guard is None or any(isinstance(kind, guard.admits) for kind in context.callers.declared):
            continue
        wanted = " or ".join(kind.__name__ for kind in guard.admits)
        declared = ", ".join(type(kind).__name__ for kind in context.callers.declared)
        raise UndeclaredRoute(
            f"{context.app}: {route.path} is for {wanted}, and the app's callers are "
            f"{declared}: add one to them, or guard the route for them"
        )


def _unguarded(app: FastAPI) -> Iterator[str]:
    for context in iter_route_contexts(app.routes):
        route: BaseRoute = context.original_route
        if isinstance(route, Mount):
            if not isinstance(route.app, FastAPI):
                yield f"MOUNT {route.path}"
        elif isinstance(route, TenantRoute):
            continue
        elif isinstance(route, WebSocketRoute):
            if not isinstance(route, SocketRoute):
                yield f"WEBSOCKET {context.path}"
        else:
            for method in (context.methods or {"ANY"}) - {"HEAD"}:
                yield f"{method} {context.path}"
