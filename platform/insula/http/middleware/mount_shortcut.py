"""Leads from the root to a mounted app without the steps that are for the root's own routes.

Between the root's middleware and a mounted app's lie the root's error handlers and exit stack, which
the mounted app has of its own, and the outermost layers of the mounted app, which ``Faults`` leaves
nothing to do. Each costs every request; here they are stepped over. A request that is traced, a
socket, and one below a ``root_path`` take FastAPI's own way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from insula.http.middleware.faults import Faults

_TRACED: Final = "fastapi.telemetry"


@dataclass(frozen=True, slots=True)
class _Door:
    mount: Mount
    app: FastAPI
    first: ASGIApp
    """The first of the app's steps that is not the framework's."""


class Doorstep:
    """The root's innermost middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._doors: Mapping[str, _Door] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the mounted app that the path leads to, else the root."""
        door = self._door(scope) if scope["type"] == "http" and not scope.get(_TRACED) else None
        if door is None:
            await self.app(scope, receive, send)
            return
        scope["app"] = door.app
        _enter(door.mount, scope)
        await door.first(scope, receive, send)

    def _door(self, scope: Scope) -> _Door | None:
        if scope.get("root_path"):
            return None
        doors = self._doors
        if doors is None:
            doors = self._doors = _doors(scope["app"])
        mounted, slash, _ = scope["path"][1:].partition("/")
        return doors.get(mounted) if slash else None


def _enter(mount: Mount, scope: Scope) -> None:
    """Change the scope as ``Mount.matches`` has it changed, whose path holds no parameter here."""
    scope.setdefault("app_root_path", "")
    scope["root_path"] = mount.path
    scope["endpoint"] = mount.app
    scope.setdefault("path_params", {})


def _doors(root: FastAPI) -> Mapping[str, _Door]:
    """Return the doors by the segment that they stand behind. All are there when the first request comes."""
    found: dict[str, _Door] = {}
    contexts = [
        context for context in iter_route_contexts(root.routes) if not isinstance(context.original_route, Mount)
    ]
    own = {str(context.path).split("/")[1] for context in contexts}
    for route in root.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI) and not route.app.root_path:
            first, name = _first_step(route.app), route.path.removeprefix("/")
            if first is not None and name not in own:
                found.setdefault(name, _Door(route, route.app, first))
    return found


def _first_step(app: FastAPI) -> ASGIApp | None:
    if app.middleware_stack is None:
        app.middleware_stack = app.build_middleware_stack()
    step: Any = app.middleware_stack
    while step is not None and not isinstance(step, Faults):
        step = getattr(step, "app", None)
    return step
