"""Handlers of streams, sockets and uploads: disconnects, and one unit of work for each use instead of one for all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, TypeVar

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from pydantic import BaseModel
from sqlalchemy import text

from insula.core.errors import AppError, Retry
from insula.http.kinds import MESSAGE_BYTES, SOCKET, LongLived, RouteKind
from insula.http.responses.event_streams import EventStream, ServerEvent
from insula.http.routing.guards import allow
from insula.http.routing.route import Largest, TenantRoute, UndeclaredRoute
from insula.http.routing.route_check import check_routes
from insula.http.routing.sockets import SocketRoute, SocketRouter
from insula.http.routing.streams import StreamRoute
from insula.http.routing.uploads import UploadBody, UploadRoute
from insula.scope import Scope
from tests.isolation.matrix.wire import Line, Request
from tests.probe.racks.models import Rack
from tests.probe.racks.permissions import Action
from tests.support.app import Live, SignIn
from tests.support.beside import beside_tenants, new_app
from tests.support.factories import Factories, TenantRow
from tests.support.states import with_state
from tests.tenants.support import Readback

FAIL_SERIALISATION = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"
BODY = b'{"name": "x"}'
Result = TypeVar("Result")
QUICK = replace(SOCKET, long_lived=LongLived(ends_at_expiry=True, ends_at_drain=True, grace_seconds=0.05))
ScopeDep = Annotated[Scope, allow(Action.READ)]


class QuickRoute(SocketRoute):
    """A socket whose handler has little time after its client has gone."""

    kind: ClassVar[RouteKind] = QUICK


class NameBody(BaseModel):
    name: str


class CommittedError(AppError):
    """An error whose changes are committed."""

    code, status, commits = "kept", 409, True
    meaning = "The changes of this request are kept."
    cure = "Read them."
    retry = Retry.NO


@dataclass
class HandlerNotes:
    """Notes of the handlers."""

    notes: list[str] = field(default_factory=list)


@pytest.fixture
def seen() -> HandlerNotes:
    return HandlerNotes()


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def token(make: Factories, sign_in: SignIn, tenant: TenantRow) -> Mapping[str, str]:
    return await sign_in(await make.member(tenant, role="owner"), tenant)


@pytest.fixture
def app(live: Live, seen: HandlerNotes) -> FastAPI:
    """Build an app that accepts the tokens of the tenants app."""
    return beside_tenants(live, new_app(), _routers(seen))


Dial = Callable[[str, str], Line]


@pytest.fixture
def dial(app: FastAPI, live: Live, token: Mapping[str, str]) -> Dial:
    """Open a connection as the owner."""

    def open_line(method: str, path: str) -> Line:
        headers = tuple((name.lower(), value) for name, value in token.items())
        request = Request(method, path, headers=headers, body=BODY if method == "PUT" else None)
        line = Line(app, with_state(request.scope({"kernel": live.kernel})))
        if method == "WEBSOCKET":
            line.send({"type": "websocket.connect"})
        return line

    return open_line


def _routers(seen: HandlerNotes) -> list[APIRouter]:
    return [_sockets(seen), _writing(seen), _streams(seen), _uploads(seen), _plain(seen)]


def _sockets(seen: HandlerNotes) -> APIRouter:
    router = SocketRouter()

    async def deaf(socket: WebSocket, scope: ScopeDep) -> None:  # noqa: ARG001 - its guard is tested
        await socket.accept()
        await socket.send_text("begun")
        try:
            await asyncio.Event().wait()
        finally:
            seen.notes.append("cancelled")

    @router.websocket("/listening")
    async def listen(socket: WebSocket, scope: ScopeDep) -> None:  # noqa: ARG001 - likewise
        await socket.accept()
        async for message in socket.iter_text():
            seen.notes.append(message)
        seen.notes.append("ended by itself")

    @router.websocket("/returning")
    async def give_up(socket: WebSocket, scope: ScopeDep) -> None:  # noqa: ARG001 - likewise
        await socket.accept()
        await socket.send_text("that was all")

    @router.websocket("/using-the-unit")
    async def misuse(socket: WebSocket, scope: ScopeDep) -> None:
        await socket.accept()
        await scope.unit.session.flush()

    router.routes.append(QuickRoute("/deaf", deaf))
    return router


def _writing(seen: HandlerNotes) -> APIRouter:
    router = SocketRouter()

    async def add(scope: Scope, name: str, failure: Exception | None = None) -> None:
        async with scope.transaction() as now:
            now.unit.session.add(Rack(tenant_id=now.tenant.id, name=name))
            await now.unit.session.flush()
            if failure is not None:
                raise failure

    @router.websocket("/writing")
    async def write(socket: WebSocket, scope: ScopeDep) -> None:
        await add(scope, "Committed")
        for name, failure in (("CommittedError", CommittedError()), ("Lost", ValueError())):
            with pytest.raises(type(failure)):
                await add(scope, name, failure)
            seen.notes.append(name)
        await socket.accept()

    return router


def _streams(seen: HandlerNotes) -> APIRouter:
    router = APIRouter(route_class=StreamRoute)

    @router.get("/endless", response_class=EventStream)
    async def follow(scope: ScopeDep) -> EventStream:  # noqa: ARG001 - likewise
        async def events() -> AsyncIterator[ServerEvent]:
            try:
                yield ServerEvent("one\ntwo", "note", id="1")
                await asyncio.Event().wait()
            finally:
                seen.notes.append("cancelled")

        return EventStream(events())

    return router


async def _lose(scope: Scope) -> None:
    async with scope.transaction() as now:
        await (await now.unit.session.connection()).execute(text(FAIL_SERIALISATION))


def _uploads(seen: HandlerNotes) -> APIRouter:
    router = APIRouter(route_class=UploadRoute)

    @router.put("/upload")
    async def receive(body: UploadBody, scope: ScopeDep) -> None:
        seen.notes.append("ran")
        async for _ in body:
            pass
        await _lose(scope)

    return router


def _plain(seen: HandlerNotes) -> APIRouter:
    router = APIRouter(route_class=TenantRoute)

    @router.put("/plain")
    async def change(body: NameBody, scope: ScopeDep) -> None:  # noqa: ARG001 - likewise
        seen.notes.append("ran")
        await _lose(scope)

    return router


class TestDisconnectedClient:
    async def test_ends_a_handler_that_does_not_listen(self, dial: Dial, seen: HandlerNotes) -> None:
        line = dial("WEBSOCKET", "/deaf")
        assert await line.next("websocket.send")
        line.send({"type": "websocket.disconnect", "code": 1001})
        await line.ended()
        assert (seen.notes, line.failure) == (["cancelled"], None)

    async def test_lets_a_listening_handler_read_earlier_messages(self, dial: Dial, seen: HandlerNotes) -> None:
        line = dial("WEBSOCKET", "/listening")
        assert await line.next("websocket.accept")
        for message in ("first", "second"):
            line.send({"type": "websocket.receive", "text": message})
        line.send({"type": "websocket.disconnect", "code": 1001})
        await line.ended()
        assert seen.notes == ["first", "second", "ended by itself"]

    async def test_ends_a_stream(self, dial: Dial, seen: HandlerNotes) -> None:
        line = dial("GET", "/endless")
        line.send({"type": "http.request", "body": b"", "more_body": False})
        first = await line.next("http.response.body")
        assert first is not None
        assert first["body"] == b"event: note\nid: 1\ndata: one\ndata: two\n\n"
        line.send({"type": "http.disconnect"})
        await line.ended()
        assert (seen.notes, line.failure) == (["cancelled"], None)


class TestTheUnitOfWork:
    async def test_a_socket_has_no_unit_for_its_whole_duration(self, dial: Dial) -> None:
        line = dial("WEBSOCKET", "/using-the-unit")
        await line.ended()
        assert isinstance(line.failure, RuntimeError)
        assert "scope.transaction()" in str(line.failure)

    async def test_each_use_has_its_own_unit(
        self, dial: Dial, seen: HandlerNotes, tenant: TenantRow, readback: Readback
    ) -> None:
        line = dial("WEBSOCKET", "/writing")
        assert await line.next("websocket.accept")
        await line.ended()
        rows = await readback("SELECT name FROM rack WHERE tenant_id = :id ORDER BY name", id=tenant.id)
        assert [row["name"] for row in rows] == ["Committed", "CommittedError"]
        assert seen.notes == ["CommittedError", "Lost"]


async def test_a_handler_that_returns_closes_its_socket(dial: Dial) -> None:
    line = dial("WEBSOCKET", "/returning")
    close = await line.next("websocket.close")
    assert close is not None
    assert close["code"] == 1000


async def test_an_upload_is_not_retried_after_its_body_was_read(dial: Dial, seen: HandlerNotes) -> None:
    runs = {}
    for path in ("/upload", "/plain"):
        seen.notes.clear()
        line = dial("PUT", path)
        line.send({"type": "http.request", "body": BODY, "more_body": False})
        await line.ended()
        runs[path] = len(seen.notes)

    assert runs == {"/upload": 1, "/plain": 3}


class TestRefusedDeclarations:
    def test_a_socket_without_a_guard_is_refused(self) -> None:
        async def bare(socket: WebSocket) -> None:
            await socket.accept()

        with pytest.raises(UndeclaredRoute, match="no allow"):
            SocketRouter().add_api_websocket_route("/bare", bare)

    def test_a_socket_of_a_plain_router_is_refused(self) -> None:
        async def guarded(socket: WebSocket, scope: ScopeDep) -> None:  # noqa: ARG001 - likewise
            await socket.accept()

        plain, good, router = FastAPI(openapi_url=None), FastAPI(openapi_url=None), SocketRouter()
        plain.add_api_websocket_route("/v1/watch", guarded)
        router.add_api_websocket_route("/v1/watch", guarded)
        good.include_router(router)
        check_routes(good, "tenants", frozenset())
        with pytest.raises(UndeclaredRoute, match="WEBSOCKET /v1/watch"):
            check_routes(plain, "tenants", frozenset())

    def test_a_message_limit_above_the_servers_is_refused(self) -> None:
        async def large(
            socket: Annotated[WebSocket, Largest(MESSAGE_BYTES + 1)],
            scope: ScopeDep,  # noqa: ARG001 - likewise
        ) -> None:
            await socket.accept()

        with pytest.raises(UndeclaredRoute, match="no server reads"):
            SocketRouter().add_api_websocket_route("/large", large)
