"""Calls the mounted app of the path's first segment.

Starlette's router does the same, inside the error handlers and the exit stack of the root's own routes. A mounted app
has its own of both, so a request for it does not pass those of the root.
"""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from insula.http.routing.dispatch import mounts_of

_TRACED: Final = "fastapi.telemetry"


class Mounts:
    """The root's innermost middleware. The root's router serves all requests that are not for a mounted FastAPI app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._mounts: Mapping[str, Mount] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the mounted app, or else the root's router."""
        # FastAPI itself dispatches traced requests, since it names their spans while it matches.
        mount = self._mount(scope) if scope["type"] == "http" and not scope.get(_TRACED) else None
        if mount is not None:
            match, child = mount.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                await mount.app(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _mount(self, scope: Scope) -> Mount | None:
        if self._mounts is None:
            mounts = mounts_of(scope["app"])
            self._mounts = {name: mount for name, mount in mounts.items() if isinstance(mount.app, FastAPI)}
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        segment, slash, _ = path[1:].partition("/")
        return self._mounts.get(segment) if slash else None
