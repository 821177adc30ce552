"""The table of routes finds the same endpoint as FastAPI's own matching, for every path."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import Message, Receive, Scope, Send

from insula.asgi import create_app
from insula.core.settings import Settings
from insula.http.middleware.mounts import Mounts
from insula.http.routing.dispatch import Dispatch, UnfitForTable, install
from insula.site.openapi import apps_of
from tests.probe.installation import INSTALLATION, REFERENCE
from tests.support.states import with_state

APP = create_app(
    Settings(environment="test", installation=REFERENCE, database_url="postgresql://x/y", redis_url="redis://x")
)


def scope_of(method: str, path: str) -> Scope:
    bare = {"type": "http", "method": method, "path": path, "root_path": "", "headers": [], "query_string": b""}
    return with_state(bare)


def cases() -> Iterator[tuple[FastAPI, str, str]]:
    for _, _, app in apps_of(APP):
        for context in iter_route_contexts(app.routes):
            if isinstance(context.original_route, APIRoute):
                path = str(context.path_format)
                names = [part for part in path.split("/") if part.startswith("{")]
                for name in names:
                    path = path.replace(name, str(uuid4()))
                for method in sorted(context.methods or ()):
                    yield app, method, path


async def endpoint_of(app: FastAPI, scope: Scope, *, by_table: bool) -> tuple[Any, Any]:
    """Return the endpoint and the path parameters of a request, without running the endpoint."""

    class Stop(Exception):
        pass

    async def stop(*_: object) -> None:
        raise Stop

    entrance = app.router.middleware_stack if by_table else app.router.app
    with pytest.MonkeyPatch.context() as patch:
        for context in iter_route_contexts(app.routes):
            if isinstance(context.original_route, APIRoute):
                patch.setattr(context._effective_route, "app", stop)  # noqa: SLF001 - to see the choice alone
        with pytest.raises(Stop):
            await entrance(scope, _nothing, _drop)
    return scope["endpoint"], scope["path_params"]


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _thing() -> str:
    return "thing"


async def _other() -> str:
    return "other"


async def _drop(message: Message) -> None:
    pass


async def test_every_route_is_found_as_fastapi_finds_it() -> None:
    found = 0
    for app, method, path in cases():
        expected = await endpoint_of(app, scope_of(method, path), by_table=False)
        assert await endpoint_of(app, scope_of(method, path), by_table=True) == expected
        found += 1
    assert found > 80


@pytest.mark.parametrize("path", [*(f"{app.mount}/v1/me" for app in INSTALLATION.apps), "/api/", "/admin/v1/%2e%2e/me"])
async def test_a_mounted_app_gets_the_scope_that_fastapi_gives_it(path: str) -> None:
    scopes = []

    async def stop(_self: ExceptionMiddleware, scope: Scope, *_: object) -> None:
        scopes.append({name: value for name, value in scope.items() if name not in ("fastapi", "insula", "router")})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExceptionMiddleware, "__call__", stop)
        for entrance in (APP.router.app, Mounts(APP.router.app)):
            await entrance({**scope_of("GET", path), "app": APP}, _nothing, _drop)
    assert scopes[0] == scopes[1]
    assert scopes[0]["root_path"] == "/" + path.split("/")[1]


def test_every_app_has_its_table() -> None:
    assert [type(app.router.middleware_stack) for _, _, app in apps_of(APP)] == [Dispatch] * (
        1 + len(INSTALLATION.apps)
    )


class TestOrder:
    def test_a_route_shadowed_by_an_earlier_one_is_refused(self) -> None:
        app, router = FastAPI(), APIRouter()
        router.add_api_route("/{anything}/things", _nothing)
        router.add_api_route("/v1/things", _nothing)
        app.include_router(router)
        with pytest.raises(UnfitForTable, match="/v1/things"):
            install(app)

    def test_a_general_route_after_a_specific_one_is_accepted(self) -> None:
        app, router = FastAPI(), APIRouter()
        router.add_api_route("/v1/things", _nothing)
        router.add_api_route("/{anything}/things", _nothing)
        app.include_router(router)
        install(app)
        assert isinstance(app.router.middleware_stack, Dispatch)

    def test_a_route_below_an_earlier_mount_is_refused(self) -> None:
        app = FastAPI()
        app.mount("/v1", FastAPI())
        app.add_api_route("/v1/things", _nothing)
        with pytest.raises(UnfitForTable, match="/v1/things"):
            install(app)

    @pytest.mark.parametrize("earlier", ["/{anything}", "/{anything}/things", "/v1/{thing:path}"])
    def test_a_mount_shadowed_by_an_earlier_route_is_refused(self, earlier: str) -> None:
        app = FastAPI()
        app.add_api_route(earlier, _nothing)
        app.mount("/v1", FastAPI())
        with pytest.raises(UnfitForTable, match="/v1 stands after"):
            install(app)

    async def test_a_route_before_a_mount_with_its_prefix_is_found_and_the_mount_gets_the_rest(self) -> None:
        app, mounted = FastAPI(), FastAPI()
        app.add_api_route("/v1/things", _thing)
        mounted.add_api_route("/others", _other)
        app.mount("/v1", mounted)
        install(app)

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await app(with_state(scope), receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://localhost") as client:
            answers = [await client.get(f"/v1/{name}") for name in ("things", "others", "none")]
        assert [answer.json() for answer in answers] == ["thing", "other", {"detail": "Not Found"}]

    def test_a_mount_path_of_two_segments_is_refused(self) -> None:
        app = FastAPI()
        app.mount("/v1/things", FastAPI())
        with pytest.raises(UnfitForTable, match="more than one"):
            install(app)
