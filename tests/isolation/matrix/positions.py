"""Positions of another tenant's id in a request, derived from the route's path, body, query and headers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args
from uuid import UUID

from pydantic import BaseModel

from insula.http.routing.guards import TenantGuard
from tests.isolation.matrix.routes import LiveRoute

PARAMETER: Final = re.compile(r"{(\w+)(?::\w+)?}")
SEARCH, SORT, CURSOR = "search", "sort_by", "cursor"


@dataclass(frozen=True, eq=False)
class Position:
    """``path`` and ``body`` name the parameters and fields with B's ids; the others get the caller's own."""

    name: str
    path: frozenset[str] = frozenset()
    body: tuple[str, ...] = ()
    """The path of field names in the body; ``*`` means the last of a list's two elements."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Query parameters, with the names of B's values for them."""
    header: tuple[str, str] | None = None
    after_control: bool = False
    """Whether the attack repeats the rightful caller's previous request."""

    @property
    def foreign(self) -> bool:
        """Whether path or body holds another tenant's id, so that only that tenant may succeed."""
        return bool(self.path or self.body)


def positions_of(route: LiveRoute) -> tuple[Position, ...]:
    """Return the route's positions; for a route without ids, one empty position."""
    ids = tuple(PARAMETER.findall(route.template))
    if _opens_by_secret(route):
        return (Position("body, token", body=("token",)),)
    plain = Position("path", path=frozenset(ids)) if ids else Position("nothing named")
    return (plain, *_inner(ids), *_bodies(route), *_queries(route, plain), *_headers(route, plain))


def _inner(ids: tuple[str, ...]) -> Iterator[Position]:
    """Yield the ids after the first one, each under the caller's own parent."""
    yield from (Position(f"path, {name} alone", path=frozenset({name})) for name in ids[1:])


def _bodies(route: LiveRoute) -> Iterator[Position]:
    if route.body is not None and isinstance(route.guard, TenantGuard):
        for place in _uuids(route.body):
            yield Position("bulk, " * ("*" in place) + f"body, {'.'.join(place)}", body=place)


def _opens_by_secret(route: LiveRoute) -> bool:
    return route.guard is not None and route.body is not None and "token" in route.body.model_fields


def _uuids(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the ids in a body, also in nested models."""
    for name, info in model.model_fields.items():
        for kind, listed in _kinds(info.annotation):
            step = (name, "*") if listed else (name,)
            if kind is UUID:
                yield step
            elif issubclass(kind, BaseModel):
                yield from (step + rest for rest in _uuids(kind))


def _kinds(annotation: Any, *, listed: bool = False) -> Iterator[tuple[type, bool]]:  # noqa: ANN401  # any annotation
    """Yield the classes in an annotation, and whether they are in a list."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation, listed
    inside = listed or getattr(annotation, "__origin__", None) in {list, tuple, set}
    for argument in get_args(annotation):
        yield from _kinds(argument, listed=inside)


def _queries(route: LiveRoute, plain: Position) -> Iterator[Position]:
    for name, annotation in route.queries.items():
        if name == SEARCH:
            yield _with_query(plain, "search", {SEARCH: SEARCH})
        elif name == CURSOR:
            yield _with_query(plain, "cursor", {CURSOR: CURSOR})
        elif name.endswith("_id") or UUID in {kind for kind, _ in _kinds(annotation)}:
            yield _with_query(plain, f"filter, {name}", {name: name})


def _with_query(plain: Position, name: str, query: Mapping[str, str]) -> Position:
    return Position(name, path=plain.path, query=query)


def _headers(route: LiveRoute, plain: Position) -> Iterator[Position]:
    if "if-match" in route.headers:
        yield Position("header, If-Match", path=plain.path, header=("if-match", '"1"'))
    if route.method == "POST" and isinstance(route.guard, TenantGuard):
        header = ("idempotency-key", "{token}")
        yield Position("header, Idempotency-Key", path=plain.path, header=header, after_control=True)
