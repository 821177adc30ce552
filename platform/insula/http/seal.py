"""The last look at an app before it serves: every route is guarded or declared public."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from insula.http.public import PUBLIC, AppName
from insula.http.route import TenantRoute, UndeclaredRoute, guard_of


def seal(app: FastAPI, name: AppName) -> None:
    """Raise UndeclaredRoute when a route of ``app`` is neither guarded nor on the public list of ``name``."""
    undeclared = sorted(route for route in _unguarded(app) if route not in PUBLIC[name])
    if undeclared:
        raise UndeclaredRoute(f"{name}: {', '.join(undeclared)}: neither allow(...) nor on the public list")


def _unguarded(app: FastAPI) -> Iterator[str]:
    for context in iter_route_contexts(app.routes):
        route: BaseRoute = context.original_route
        if isinstance(route, Mount):
            if not isinstance(route.app, FastAPI):
                yield f"MOUNT {route.path}"
        elif isinstance(route, TenantRoute):
            continue
        elif isinstance(route, WebSocketRoute):
            if guard_of(route.endpoint) is None:
                yield f"WEBSOCKET {context.path}"
        else:
            for method in (context.methods or {"ANY"}) - {"HEAD"}:
                yield f"{method} {context.path}"
