"""A small root with one mounted app, each with the same probing routes: no database, no kernel."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Thread
from typing import Annotated
from uuid import UUID

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, EmailStr
from starlette.types import ASGIApp

from insula.core.errors import Forbidden, NotFound, RateLimited, Unavailable
from insula.core.settings import HttpSettings, Settings
from insula.http.metrics import RequestMetrics
from insula.http.routing.route import PublicRoute
from insula.site.factory import make_app, outer_stack
from tests.support.app import free_port, wait_until
from tests.support.apps import MOUNTS, SITE


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    count: int = 0
    email: EmailStr | None = None
    id: UUID | None = None
    ratio: float = 0.0


class RequestView(BaseModel):
    client: str
    scheme: str
    host: str
    forwarded: list[str]


async def create_thing(body: Thing) -> Thing:
    return body


async def read_thing(
    thing_id: UUID,  # noqa: ARG001 - only its validation is tested
    limit: Annotated[int, Query(ge=1, le=100)] = 1,  # noqa: ARG001 - likewise
) -> Thing:
    raise NotFound


async def forbid() -> Thing:
    raise Forbidden("Not on a Sunday")


async def limit_rate() -> Thing:
    raise RateLimited(headers={"Retry-After": "7"})


async def break_down() -> Thing:
    raise ValueError("canary-in-an-exception")


async def be_unavailable() -> Thing:
    raise Unavailable from ConnectionResetError("canary-in-a-cause")


async def misfit() -> Thing:
    return {"canary-in-an-answer": 1}  # type: ignore[return-value]  # the mistake that is looked for


async def break_off() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise ValueError("too late for a problem")

    return StreamingResponse(parts())


async def length(request: Request) -> int:
    return len(await request.body())


async def large() -> list[str]:
    return ["abcdefgh"] * 500


async def see(request: Request) -> RequestView:
    return RequestView(
        client=request.client.host if request.client else "",
        scheme=request.url.scheme,
        host=request.headers["host"],
        forwarded=[name for name in request.headers if "forward" in name],
    )


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


async def refuse(_socket: WebSocket) -> None:
    raise NotFound


async def brew() -> None:
    raise HTTPException(HTTPStatus.IM_A_TEAPOT)


def routes() -> APIRouter:
    router = APIRouter(prefix="/v1", route_class=PublicRoute)
    router.add_api_route("/things", create_thing, methods=["POST"], status_code=201)
    router.add_api_route("/things", large, methods=["GET"], name="list_things")
    router.add_api_route("/things/{thing_id}", read_thing)
    router.add_api_route("/length", length, methods=["POST"])
    for handler in (forbid, limit_rate, break_down, be_unavailable, misfit, large, see, brew):
        router.add_api_route(f"/{handler.__name__}", handler)
    router.add_api_route("/break_off", break_off, response_model=None)
    router.add_api_websocket_route("/echo", echo)
    router.add_api_websocket_route("/refuse", refuse)
    return router


def configured(**http: object) -> Settings:
    return Settings(environment="test", http=HttpSettings.model_validate(http))


def build(settings: Settings | None = None, metrics: RequestMetrics | None = None) -> FastAPI:
    """Return the root with its own routes, and the same under /api."""
    settings = settings or configured()
    stacks = {"root": outer_stack(settings, metrics or RequestMetrics()), "tenants": ()}
    root, tenants = (
        make_app(
            name=name,
            mount=MOUNTS[name],
            title=name,
            description=name,
            version="1",
            settings=settings,
            site=SITE,
            stack=stacks[name],
            routers=[routes()],
        )
        for name in stacks
    )
    root.mount("/api", tenants)
    return root


def client_of(app: ASGIApp, base_url: str = "http://localhost", peer: str = "127.0.0.1") -> httpx.AsyncClient:
    """Return a client in this process. An exception that reaches the server fails the test."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 5000)), base_url=base_url)


@contextmanager
def served(app: FastAPI) -> Iterator[int]:
    """Serve ``app`` by uvicorn in a thread; give its port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", proxy_headers=False, lifespan="off"))
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield port
    finally:
        server.should_exit = True
        thread.join()
