"""Finds a request's route by the first segments of its path.

FastAPI matches route by route, through each level of included routers, twice a level: with eighty
routes that costs more than the rest of a read by id. Here a table gives the few routes with the same
literal first segments; they are then matched as FastAPI does, in their order. All other requests (another
method, an unknown path, a socket, a static file) take FastAPI's own way. The middleware ``Mounts`` finds mounted apps.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Match, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from insula.http.state import state_of

_DEPTH: Final = 2  # segments in a key of the table: the version and the collection
_Key = tuple[str, int, tuple[str, ...]]


class UnfitForTable(RuntimeError):
    """The table cannot preserve the order of two routes."""


class Dispatch:
    """The innermost ASGI app: calls the route that the table finds, or else the app's router."""

    def __init__(self, app: FastAPI) -> None:
        self._router: ASGIApp = app.router.middleware_stack
        self._owner = app.router
        self._routes, _ = _table(iter_route_contexts(app.routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the route."""
        # FastAPI itself dispatches traced requests, since it names their spans while it matches.
        found = None if scope["type"] != "http" or scope.get("fastapi.telemetry") else self._find(scope)
        if found is None:
            await self._router(scope, receive, send)
            return
        scope.setdefault("router", self._owner)
        await found(scope, receive, send)

    def _find(self, scope: Scope) -> ASGIApp | None:
        segments = tuple(scope["path"].removeprefix(scope.get("root_path", "")).split("/")[1:])
        for context in self._routes.get((scope["method"], len(segments), segments[:_DEPTH]), ()):
            match, child = context.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                scope["route"] = context.original_route
                state_of(scope).template = context.path_format
                app: ASGIApp = context.app
                return app
        return None


def mounts_of(app: FastAPI) -> Mapping[str, Mount]:
    """Return the mounted apps of ``app`` by their segment. Raises UnfitForTable."""
    return _table(iter_route_contexts(app.routes))[1]


def install(app: FastAPI) -> None:
    """Dispatch the current routes of ``app`` by a table. Routes added later are matched by FastAPI."""
    app.router.middleware_stack = Dispatch(app)


def _table(contexts: Iterable[RouteContext]) -> tuple[Mapping[_Key, Sequence[RouteContext]], Mapping[str, Mount]]:
    """Return the routes by method, number of segments and first segments, and the mounts by their segment."""
    routes: defaultdict[_Key, list[RouteContext]] = defaultdict(list)
    mounts: dict[str, Mount] = {}
    others: list[RouteContext] = []
    for context in contexts:
        route = context.original_route
        if isinstance(route, Mount):
            _check_mount(route, others)
            mounts.setdefault(route.path[1:], route)
        elif not isinstance(route, APIRoute):
            others += [context] if isinstance(route, Route) else []
        elif (segments := _segments(context)) is None:
            others.append(context)
        else:
            _check(context, others, mounts.values())
            for method in context.methods or ():
                routes[method, len(segments), segments[:_DEPTH]].append(context)
    return routes, mounts


def _segments(context: RouteContext) -> tuple[str, ...] | None:
    """Return a route's segments; None if the table cannot hold it: the first are not literal or their number varies."""
    segments = tuple(str(context.path_format).split("/")[1:])
    literal = not any("{" in segment for segment in segments[:_DEPTH])
    return segments if literal and ":path}" not in str(context.path) else None


def _check_mount(mount: Mount, others: Iterable[RouteContext]) -> None:
    """Raise UnfitForTable unless the mount is one literal segment that no earlier route matches."""
    if "/" in mount.path[1:] or "{" in mount.path:
        raise UnfitForTable(f"{mount.path} is mounted below more than one literal segment")
    paths = [str(other.path) for other in others]
    if earlier := [path for path in paths if "{" in (first := path.split("/")[1]) or first == mount.path[1:]]:
        raise UnfitForTable(f"{mount.path} stands after {', '.join(earlier)}, which takes its requests")


def _check(context: RouteContext, others: Iterable[RouteContext], mounts: Iterable[Mount]) -> None:
    """Raise UnfitForTable if FastAPI would match an earlier route first."""
    path = str(context.path_format)
    earlier = [str(other.path) for other in others if other.path_regex.match(path)]
    earlier += [mount.path for mount in mounts if path.startswith(f"{mount.path}/")]
    if earlier:
        raise UnfitForTable(f"{path} stands after {', '.join(earlier)}, which takes its requests")
