"""Sockets: ``SocketRouter`` in place of ``APIRouter``; its ``websocket`` makes a ``SocketRoute``.

The handler runs while its caller has access and the client is connected. It has no unit of work: each use of the
database is a transaction of its own, ``async with scope.transaction() as now``. If it raises before it accepts the
socket, the handshake is refused. See docs/guides/sockets-streams-uploads.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial, wraps
from typing import Any, ClassVar, Final, get_type_hints

from fastapi import APIRouter
from fastapi.params import Depends
from fastapi.routing import APIWebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from insula.core.errors import AppError, PayloadTooLarge, RateLimited
from insula.http.kernel import kernel_of
from insula.http.kinds import MESSAGE_BYTES, SOCKET, RouteKind
from insula.http.responses.handlers import close_code
from insula.http.routing.long_lived import first_of, opened
from insula.http.routing.route import UndeclaredRoute, guard_of, largest_of
from insula.http.state import admission_of

_UNREAD: Final = 16
"""The most messages that are received before the handler reads them. Then receiving pauses."""

_UNREAD_SECONDS: Final = 30.0
"""The socket ends if receiving pauses for so long: meanwhile nobody would notice that the client has gone."""

Endpoint = Callable[..., Awaitable[None]]
Count = Callable[[], Awaitable[None]]
End = Coroutine[Any, Any, AppError | None]


class SocketRoute(APIWebSocketRoute):
    """A socket whose handler ends when its caller loses access, its client disconnects or the process stops."""

    kind: ClassVar[RouteKind] = SOCKET

    def __init__(
        self,
        path: str,
        endpoint: Endpoint,
        *,
        name: str | None = None,
        dependencies: Sequence[Depends] | None = None,
        dependency_overrides_provider: Any | None = None,  # noqa: ANN401 - FastAPI's own type of it
    ) -> None:
        super().__init__(
            path,
            _ending(endpoint, self.kind),
            name=name,
            dependencies=dependencies,
            dependency_overrides_provider=dependency_overrides_provider,
        )


class SocketRouter(APIRouter):
    """A router whose sockets are ``SocketRoute``s."""

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Depends] | None = None,
    ) -> None:
        """Add a socket."""
        super().add_api_websocket_route(path, endpoint, name, dependencies=dependencies)
        plain = self.routes[-1]
        if isinstance(plain, APIWebSocketRoute):
            self.routes[-1] = SocketRoute(
                plain.path,
                endpoint,
                name=name,
                dependencies=plain.dependencies,
                dependency_overrides_provider=self.dependency_overrides_provider,
            )


def _ending(endpoint: Endpoint, kind: RouteKind) -> Endpoint:
    """Wrap ``endpoint`` so that it ends as the kind declares. FastAPI rebuilds routes, but keeps endpoints."""
    where, terms = f"{endpoint.__module__}.{endpoint.__qualname__}", kind.long_lived
    parameter = next((name for name, hint in get_type_hints(endpoint).items() if hint is WebSocket), None)
    if guard_of(endpoint) is None:
        raise UndeclaredRoute(f"{where} has no allow(...)")
    if parameter is None or terms is None:
        raise UndeclaredRoute(f"{where} takes no socket: give it a parameter `socket: WebSocket`")
    largest = largest_of(endpoint, kind.body_bytes or 0)
    if largest > MESSAGE_BYTES:
        raise UndeclaredRoute(f"{where} takes messages of more than {MESSAGE_BYTES} bytes, which no server reads")

    @wraps(endpoint)
    async def run(**values: Any) -> None:
        socket: WebSocket = values[parameter]
        async with opened(socket, terms) as connection:
            queue = ReceiveQueue(socket, largest, _counting(socket))
            own = WebSocket(socket.scope, queue.receive, socket.send)
            work = partial(endpoint, **{**values, parameter: own})
            await _until_it_ends(socket, work, connection.wait_for_end(), queue.fill(terms.grace_seconds))

    return run


async def _until_it_ends(socket: WebSocket, work: Callable[[], Awaitable[None]], *ends: End) -> None:
    """Run the handler until it has ended or must end, and close the socket."""

    async def handle() -> None:
        with suppress(WebSocketDisconnect):
            await work()

    ended = await first_of(handle(), *ends)
    if socket.application_state is WebSocketState.DISCONNECTED or socket.client_state is WebSocketState.DISCONNECTED:
        return
    try:
        await (socket.close() if ended is None else socket.close(close_code(ended), ended.code))
    except WebSocketDisconnect:
        return  # the client went away just now


def _counting(socket: WebSocket) -> Count:
    """Return a function that counts one message as a request of the caller, and raises RateLimited."""
    limits, policy = kernel_of(socket).limits, admission_of(socket.scope).allowance.policy

    async def count() -> None:
        verdict = await limits.admit(policy)
        if not verdict.allowed:
            raise RateLimited

    return count


class ReceiveQueue:
    """Receives the client's messages ahead of the handler, since only receiving shows that the client has gone."""

    def __init__(self, socket: WebSocket, largest: int, count: Count) -> None:
        self._socket = socket
        self._largest = largest
        self._count = count
        self._messages: asyncio.Queue[Message] = asyncio.Queue(_UNREAD)

    async def receive(self) -> Message:
        """Return the next message, for the handler."""
        return await self._messages.get()

    async def fill(self, grace_seconds: float) -> AppError | None:
        """Receive until the client has gone, then let the handler end. Return an error that ends the socket earlier."""
        while True:
            message = await self._socket.receive()
            try:
                if message["type"] == "websocket.receive":
                    self._check(message)
                    await self._count()
            except AppError as error:
                return error
            if message["type"] == "websocket.disconnect":
                await self._leave(message, grace_seconds)
                return None
            try:
                async with asyncio.timeout(_UNREAD_SECONDS):
                    await self._messages.put(message)
            except TimeoutError:
                return RateLimited("The server does not read as fast as you send")

    async def _leave(self, message: Message, grace_seconds: float) -> None:
        """Tell the handler that the client has gone, and wait. ``first_of`` cancels this when the handler ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._messages.put(message)
                await asyncio.Event().wait()

    def _check(self, message: Message) -> None:
        text, data = message.get("text"), message.get("bytes")
        size = len(data or b"") if text is None else len(text.encode())
        if size > self._largest:
            raise PayloadTooLarge
