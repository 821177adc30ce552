"""Every route of the four apps, from the live apps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.routing import Mount, WebSocketRoute

from insula.http.access import Guard
from insula.http.public import PUBLIC, AppName
from insula.http.route import guard_of

MOUNTS: Mapping[str, AppName] = {"": "root", "/api": "tenants", "/admin": "admin", "/billing": "billing"}


@dataclass(frozen=True)
class LiveRoute:
    app: AppName
    method: str
    mount: str
    template: str
    guard: Guard[Any] | None
    body: type[BaseModel] | None

    @property
    def name(self) -> str:
        """The declared name, such as ``GET /api/v1/projects``."""
        return f"{self.method} {self.mount}{self.template}"

    @property
    def public(self) -> bool:
        return f"{self.method} {self.template}" in PUBLIC[self.app]


def routes_of(app: FastAPI, mount: str = "") -> Iterator[LiveRoute]:
    """Walk ``app`` and what is mounted in it; HEAD goes with GET."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from routes_of(route.app, mount + route.path)
        elif isinstance(route, Mount):
            yield LiveRoute(MOUNTS[mount], "MOUNT", mount, route.path, None, None)
        else:
            methods = {"WEBSOCKET"} if isinstance(route, WebSocketRoute) else (context.methods or {"ANY"}) - {"HEAD"}
            endpoint = context.endpoint
            guard = guard_of(endpoint) if endpoint is not None else None
            for method in sorted(methods):
                yield LiveRoute(MOUNTS[mount], method, mount, str(context.path), guard, _body_of(context))


def _body_of(context: object) -> type[BaseModel] | None:
    field = getattr(context, "body_field", None)
    annotation = field.field_info.annotation if field is not None else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
