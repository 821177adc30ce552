"""Finds a request's route by its path's first segments, in place of asking every route in turn.

FastAPI matches route by route, through each level of included routers, twice a level: with eighty
routes that is more than all else that a request by id costs. Here a table leads to the few routes
whose literal beginning fits; these are then asked as FastAPI asks them, in their order. Whatever
the table does not lead to (another method, an unknown path, a socket, what is mounted) goes
FastAPI's own way; into a mounted app ``Doorstep`` leads before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

_DEPTH: Final = 2  # segments that are looked up: the version and the noun
_Key = tuple[str, int, tuple[str, ...]]


class UnfitForTable(RuntimeError):
    """Two routes whose order the table could not keep."""


class Dispatch:
    """The innermost step of an app: calls the route that the table and its matches give, else the app's router."""

    def __init__(self, app: FastAPI) -> None:
        self._router: ASGIApp = app.router.middleware_stack
        self._owner = app.router
        self._routes = _table(iter_route_contexts(app.routes))

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
                scope.setdefault("insula", {})["template"] = context.path_format
                app: ASGIApp = context.app
                return app
        return None


def install(app: FastAPI) -> None:
    """Let the routes that ``app`` has now be found by the table; routes added later are found as ever."""
    app.router.middleware_stack = Dispatch(app)


def _table(contexts: Iterable[RouteContext]) -> Mapping[_Key, Sequence[RouteContext]]:
    routes: defaultdict[_Key, list[RouteContext]] = defaultdict(list)
    mounts: list[Mount] = []
    others: list[RouteContext] = []
    for context in contexts:
        route = context.original_route
        if isinstance(route, Mount):
            if "/" in route.path[1:] or "{" in route.path:
                raise UnfitForTable(f"{route.path} is mounted below more than one literal segment")
            mounts.append(route)
        elif not isinstance(route, APIRoute):
            continue
        elif (segments := _segments(context)) is None:
            others.append(context)
        else:
            _check(context, others, mounts)
            for method in context.methods or ():
                routes[method, len(segments), segments[:_DEPTH]].append(context)
    return routes


def _segments(context: RouteContext) -> tuple[str, ...] | None:
    """Return the segments of a route that the table can lead to: literal as far as it looks, and counted."""
    segments = tuple(str(context.path_format).split("/")[1:])
    literal = not any("{" in segment for segment in segments[:_DEPTH])
    return segments if literal and ":path}" not in str(context.path) else None


def _check(context: RouteContext, others: Iterable[RouteContext], mounts: Iterable[Mount]) -> None:
    """Raise UnfitForTable where FastAPI would have asked an earlier route first."""
    path = str(context.path_format)
    earlier = [str(other.path) for other in others if other.path_regex.match(path)]
    earlier += [mount.path for mount in mounts if path.startswith(f"{mount.path}/")]
    if earlier:
        raise UnfitForTable(f"{path} stands after {', '.join(earlier)}, which takes its requests")
