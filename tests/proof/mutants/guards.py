"""Loosened guards: each route requires an action that every role has, or no guard at all."""

import ast
import inspect
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI, WebSocket

from insula.access import Role
from insula.http.routing.guards import PersonalGuard, RoleGuard
from insula.http.routing.route import PublicRoute, TenantRoute, UndeclaredRoute
from insula.http.routing.route_check import check_routes
from insula.http.routing.sockets import SocketRoute
from tests.isolation.matrix.holders import held_role_of
from tests.isolation.matrix.kinds import ALL_KEY_ACTIONS
from tests.isolation.matrix.routes import LiveRoute, live_routes
from tests.proof.arena import ROOT
from tests.proof.mutants.edits import AnchorLost, Edit
from tests.proof.results import Result
from tests.proof.suites import Attacks
from tests.support.apps import INSTALLATION, PUBLIC

THE_BUILD: Final = "the build"


def loosened() -> Iterator[Edit]:
    """Let each guarded route require another action, one that every role of its app has.

    Leaves out personal routes, which require only a user, and routes that already require the only action
    that every role has.
    """
    for route in live_routes().values():
        if route.guard is None or isinstance(route.guard, PersonalGuard):
            continue
        if (looser := _looser(route)) is not None:
            old, new = _loosened_text(route, looser)
            yield Edit(f"{route.name}: for {looser}", _path(route), old, new, Attacks((route.name,)), local=True)


def _looser(route: LiveRoute) -> StrEnum | None:
    grants, outside = INSTALLATION.app(route.app).grants, isinstance(route.guard, RoleGuard)
    roles = held_role_of(route).roles if outside else tuple(map(str, Role))
    everybodys = set(grants.get(roles[0], ())).intersection(*(grants.get(role, ()) for role in roles))
    own = route.guard.action if route.guard is not None else None
    if outside and own in everybodys:
        return None  # no API key is accepted here, so another such action changes nothing
    # Prefer actions that API keys may have too: otherwise the refusal of a key, not of a role, would kill each mutant.
    return min(everybodys - {own}, key=lambda action: (str(action) not in ALL_KEY_ACTIONS, action), default=None)


def _loosened_text(route: LiveRoute, looser: StrEnum) -> tuple[str, str]:
    """Return the function's text, before and after putting the looser action into its guard."""
    text, node = _function(route)
    named = [
        named_action
        for call in ast.walk(node.args)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.startswith("allow")
        for named_action in call.args[:1]
        if isinstance(named_action, ast.Attribute)
        and route.guard is not None
        and named_action.attr == route.guard.action.name
    ]
    if len(named) != 1 or named[0].end_col_offset is None:
        raise AnchorLost(f"{route.name}: its function names its action {len(named)} times, not once")
    asked_at = named[0]
    lines = text.splitlines(keepends=True)
    line = lines[asked_at.lineno - 1].encode()
    action = _imported(looser).encode()
    lines[asked_at.lineno - 1] = (line[: asked_at.col_offset] + action + line[asked_at.end_col_offset :]).decode()
    first, last = node.lineno - 1, node.end_lineno
    return "".join(text.splitlines(keepends=True)[first:last]), "".join(lines[first:last])


def _imported(action: StrEnum) -> str:
    """Return an expression for the action that works in any module, whatever it imports."""
    kind = type(action)
    return f'__import__("importlib").import_module("{kind.__module__}").{kind.__qualname__}.{action.name}'


def _path(route: LiveRoute) -> str:
    source = inspect.getsourcefile(inspect.unwrap(_endpoint(route)))
    return str(Path(source or "").relative_to(ROOT))


def _endpoint(route: LiveRoute) -> type:
    endpoint: type = route.endpoint  # type: ignore[assignment]  # a function; inspect's typing takes no object
    return endpoint


def _function(route: LiveRoute) -> tuple[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    text, module = _parsed(_path(route))
    name = getattr(route.endpoint, "__name__", "")
    for node in ast.walk(module):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name == name:
            return text, node
    raise AnchorLost(f"{route.name}: there is no function {name} in {_path(route)}")


@cache
def _parsed(path: str) -> tuple[str, ast.Module]:
    text = (ROOT / path).read_text()
    return text, ast.parse(text)


def unguarded() -> Iterator[Result]:
    """Remove each route's guard: then building an app with the route must fail."""
    for route in live_routes().values():
        if route.guard is not None:
            alive = [kind for kind, is_built in _built_without(route).items() if is_built]
            detail = f"is served as a {alive[0]}" if alive else "UndeclaredRoute"
            yield Result(f"{route.name}: public", THE_BUILD, "survived" if alive else "killed", detail)


def _built_without(route: LiveRoute) -> dict[str, bool]:
    async def bare() -> None:
        """Replace the route, without its guard."""

    if route.method == "WEBSOCKET":
        return _sockets_built(route)
    app = FastAPI()
    app.add_api_route(route.template, bare, methods=[route.method])
    public = FastAPI()
    public.router.route_class = PublicRoute
    public.add_api_route(route.template, bare, methods=[route.method])
    return {
        "TenantRoute": _builds(lambda: TenantRoute(route.template, bare, methods=[route.method])),
        "APIRoute": _builds(lambda: check_routes(app, route.app, PUBLIC[route.app])),
        "PublicRoute": _builds(lambda: check_routes(public, route.app, PUBLIC[route.app])),
    }


def _sockets_built(route: LiveRoute) -> dict[str, bool]:
    async def bare(socket: WebSocket) -> None:
        """Replace the socket route, without its guard."""

    app = FastAPI()
    app.add_api_websocket_route(route.template, bare)
    return {
        "SocketRoute": _builds(lambda: SocketRoute(route.template, bare)),
        "APIWebSocketRoute": _builds(lambda: check_routes(app, route.app, PUBLIC[route.app])),
    }


def _builds(build: Callable[[], object]) -> bool:
    try:
        build()
    except UndeclaredRoute:
        return False
    return True
