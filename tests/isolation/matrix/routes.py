"""Every route of the live apps, with its parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.routing import Mount, WebSocketRoute

from insula.core.settings import Settings
from insula.dev.asgi import create_app
from insula.http.kinds import RouteKind
from insula.http.routing.guards import Guard
from insula.http.routing.route import guard_of
from tests.probe.installation import REFERENCE
from tests.support.apps import MOUNTS, PUBLIC

APPS = {mount: name for name, mount in MOUNTS.items()}
"""The apps by the path at which they are mounted."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "MOUNT"})


@dataclass(frozen=True, eq=False)
class LiveRoute:
    app: str
    method: str
    mount: str
    template: str
    guard: Guard[Any, Any] | None
    body: type[BaseModel] | None
    queries: Mapping[str, Any]
    headers: frozenset[str]
    endpoint: object
    kind: RouteKind | None = None
    """The declarations of its kind of route; None for mounted apps and files."""

    @property
    def name(self) -> str:
        """The route's name, such as ``GET /api/v1/racks``."""
        return f"{self.method} {self.mount}{self.template}"

    @property
    def public(self) -> bool:
        return f"{self.method} {self.template}" in PUBLIC[self.app]

    @property
    def safe(self) -> bool:
        """Whether its method should change nothing."""
        return self.method in SAFE_METHODS


def routes_of(app: FastAPI, mount: str = "") -> Iterator[LiveRoute]:
    """Yield the routes of ``app`` and of apps mounted in it; HEAD belongs to GET."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from routes_of(route.app, mount + route.path)
        elif isinstance(route, Mount):
            yield LiveRoute(APPS[mount], "MOUNT", mount, route.path, None, None, {}, frozenset(), route.app)
        else:
            methods = {"WEBSOCKET"} if isinstance(route, WebSocketRoute) else (context.methods or {"ANY"}) - {"HEAD"}
            endpoint = context.endpoint
            guard = guard_of(endpoint) if endpoint is not None else None
            taken = getattr(route, "dependant", None)
            queries, headers = dict(_taken(taken, "query_params")), frozenset(dict(_taken(taken, "header_params")))
            for method in sorted(methods):
                yield LiveRoute(
                    app=APPS[mount],
                    method=method,
                    mount=mount,
                    template=str(context.path),
                    guard=guard,
                    body=_body_of(context),
                    queries=queries,
                    headers=headers,
                    endpoint=endpoint,
                    kind=getattr(route, "kind", None),
                )


@cache
def live_routes() -> Mapping[str, LiveRoute]:
    """Return every route by name, without starting a server."""
    settings = Settings(
        environment="test", installation=REFERENCE, database_url="postgresql://x/y", redis_url="redis://x"
    )
    return {route.name: route for route in routes_of(create_app(settings))}


def _taken(dependant: Dependant | None, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of one kind by name, also of dependencies and query models."""
    if dependant is None:
        return
    for field in getattr(dependant, kind):
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from ((info.alias or name, info.annotation) for name, info in annotation.model_fields.items())
        else:
            yield field.alias.lower(), annotation
    for nested in dependant.dependencies:
        yield from _taken(nested, kind)


def _body_of(context: object) -> type[BaseModel] | None:
    field = getattr(context, "body_field", None)
    annotation = field.field_info.annotation if field is not None else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
