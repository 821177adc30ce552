"""Finds a request's route, or the mounted app, by the first segments of its path.

FastAPI matches route by route, through each level of included routers, twice a level: with eighty
routes that is more than all else that a request by id costs. Here a table leads to the few routes
whose literal beginning fits; these are then asked as FastAPI asks them, in their order. What is
mounted is found by its one segment and asked as Starlette asks it. Whatever the table does not lead
to (another method, an unknown path, a socket) goes FastAPI's own way.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Match, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from insula.http.state import state_of

_DEPTH: Final = 2  # segments that are looked up: the version and the noun
_Key = tuple[str, int, tuple[str, ...]]


class UnfitForTable(RuntimeError):
    """Two routes whose order the table could not keep."""


class Dispatch:
    """The innermost step of an app: calls the route that the table and its matches give, else the app's router."""

    def __init__(self, app: FastAPI) -> None:
        self._router: ASGIApp = app.router.middleware_stack
        self._owner = app.router
        self._routes, self._mounts = _table(iter_route_contexts(app.routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the route."""
        # A scope that is traced is FastAPI's to dispatch: its spans are named on the way.
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
        return self._enter(segments, scope)

    def _enter(self, segments: Sequence[str], scope: Scope) -> ASGIApp | None:
        mount = self._mounts.get(segments[0]) if len(segments) > 1 else None
        if mount is None:
            return None
        match, child = mount.matches(scope)
        if match is not Match.FULL:
            return None
        scope.update(child)
        return mount.app


def install(app: FastAPI) -> None:
    """Let the routes that ``app`` has now be found by the table; routes added later are found as ever."""
    app.router.middleware_stack = Dispatch(app)


def _table(contexts: Iterable[RouteContext]) -> tuple[Mapping[_Key, Sequence[RouteContext]], Mapping[str, Mount]]:
    """Return the routes by method, length and beginning, and what is mounted by its segment."""
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
    """Return the segments of a route that the table can lead to: literal as far as it looks, and counted."""
    segments = tuple(str(context.path_format).split("/")[1:])
    literal = not any("{" in segment for segment in segments[:_DEPTH])
    return segments if literal and ":path}" not in str(context.path) else None


def _check_mount(mount: Mount, others: Iterable[RouteContext]) -> None:
    """Raise UnfitForTable where the mount has no segment of its own: one, literal, and named by no route before."""
    if "/" in mount.path[1:] or "{" in mount.path:
        raise UnfitForTable(f"{mount.path} is mounted below more than one literal segment")
    paths = [str(other.path) for other in others]
    if earlier := [path for path in paths if "{" in (first := path.split("/")[1]) or first == mount.path[1:]]:
        raise UnfitForTable(f"{mount.path} stands after {', '.join(earlier)}, which takes its requests")


def _check(context: RouteContext, others: Iterable[RouteContext], mounts: Iterable[Mount]) -> None:
    """Raise UnfitForTable where FastAPI would have asked an earlier route first."""
    path = str(context.path_format)
    earlier = [str(other.path) for other in others if other.path_regex.match(path)]
    earlier += [mount.path for mount in mounts if path.startswith(f"{mount.path}/")]
    if earlier:
        raise UnfitForTable(f"{path} stands after {', '.join(earlier)}, which takes its requests")
