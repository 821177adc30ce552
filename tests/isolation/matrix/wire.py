"""Requests and answers as bytes, passed to the app as a server would, but without a server."""

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import unquote, unquote_plus, urlencode

from starlette.types import ASGIApp, Message, Scope

from insula.core.errors import AppError
from insula.http.errors import InternalFailure

Headers = tuple[tuple[str, str], ...]
_PATIENCE: Final = 5.0  # less than the time between two periodic checks of access
_HOST = "127.0.0.1:8000"


def far_away() -> str:
    """Return an address in a network of its own, because attempts are counted by address."""
    return f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}::1"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    """As sent, percent-encoded where necessary."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = ()
    body: bytes | None = None
    address: str = field(default_factory=far_away)

    @classmethod
    def of(cls, method: str, path: str, json_body: object = None, **fields: object) -> Self:
        """Return a request, with a JSON body if one is given."""
        request = cls(method, path, body=None if json_body is None else json.dumps(json_body).encode())
        return replace(request, **fields)  # type: ignore[arg-type]  # fields of this very class

    def with_headers(self, *headers: tuple[str, str]) -> "Request":
        return replace(self, headers=(*self.headers, *headers))

    @property
    def sent(self) -> str:
        """Everything that the sender already knew."""
        body = (self.body or b"").decode()
        return f"{unquote(self.path)} {self.query} {self.headers} {body} {unquote_plus(body)}"

    def scope(self, state: Mapping[str, object]) -> dict[str, object]:
        """Return the ASGI scope that uvicorn would make."""
        named = {name for name, _ in self.headers}
        headers = [*self.headers, *([] if "host" in named else [("host", _HOST)])]
        if self.body is not None:
            headers += [("content-length", str(len(self.body)))]
            headers += [] if "content-type" in named else [("content-type", "application/json")]
        found: dict[str, object] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": self.method,
            "path": unquote(self.path),
            "raw_path": self.path.encode(),
            "query_string": urlencode(self.query).encode(),
            "root_path": "",
            "scheme": "http",
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "client": (self.address, 50_000),
            "server": ("127.0.0.1", 8000),
            "state": dict(state),
        }
        if self.method == "WEBSOCKET":
            found |= {"type": "websocket", "scheme": "ws", "subprotocols": []}
            del found["method"]
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def seen(self) -> str:
        """The answer's whole text and headers."""
        return f"{self.text} {self.headers}"

    @property
    def code(self) -> str:
        """The problem's code, or empty if it is no problem."""
        if not self.header("content-type").startswith("application/problem+json"):
            return ""
        return str(json.loads(self.body).get("code", ""))

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")


async def send(app: ASGIApp, request: Request, state: Mapping[str, object]) -> Answer:
    """Return the app's answer; an exception of the app is a 500, as a server would answer.

    The client disconnects when it has the answer: a whole one, or the first event of a stream.
    """
    messages: list[Message] = []
    parts = [{"type": "http.request", "body": request.body or b"", "more_body": False}]

    gone = asyncio.Event()

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def answer(message: Message) -> None:
        messages.append(message)
        if message["type"] == "http.response.body":
            gone.set()

    try:
        await app(request.scope(state), receive, answer)
    except Exception as broken:  # noqa: BLE001 - whatever it is, a server would answer 500
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, (), repr(broken).encode())
    start = next((message for message in messages if message["type"] == "http.response.start"), None)
    if start is None:
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, (), b"no answer at all")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in messages))


async def shake_hands(app: ASGIApp, request: Request, state: Mapping[str, object]) -> Answer:
    """Open a socket, and disconnect after its first message. A close with a reason is the problem of that code."""
    line = Line(app, request.scope(state))
    line.send({"type": "websocket.connect"})
    opening = await line.next("websocket.send", "websocket.close")
    line.send({"type": "websocket.disconnect", "code": 1000})
    await line.ended()
    if opening is None:
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, (), repr(line.failure).encode())
    if opening["type"] == "websocket.send":
        return Answer(HTTPStatus.OK, (), str(opening.get("text") or opening.get("bytes")).encode())
    return refusal_of(opening)


def refusal_of(close: Message) -> Answer:
    """Return the problem that corresponds to the close of a socket. Without a reason it is a 404."""
    code = close.get("reason") or "not_found"
    headers = (("content-type", "application/problem+json"),)
    return Answer(_STATUSES.get(code, InternalFailure.status), headers, json.dumps({"code": code}).encode())


class Line:
    """One long-lived connection to the app, as a server would hold it."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._wanted = asyncio.Event()
        self.failure: BaseException | None = None
        self._task = asyncio.create_task(self._run(app, scope))

    def send(self, message: Message) -> None:
        """Send ``message`` to the app."""
        self._to_app.put_nowait(message)

    async def all_received(self) -> None:
        """Wait until the app has received everything, and asks for more."""
        await asyncio.wait_for(self._wanted.wait(), _PATIENCE)

    async def next(self, *kinds: str) -> Message | None:
        """Return the next message of one of these kinds; None if the app ended without one."""
        while True:
            taking = asyncio.ensure_future(self._from_app.get())
            await asyncio.wait({taking, self._task}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
                if not self._task.done():
                    self._task.cancel()
                    self.failure = TimeoutError("nothing came")
                return None
            if (message := taking.result())["type"] in kinds:
                return message

    @property
    def is_over(self) -> bool:
        """Whether the app has returned."""
        return self._task.done()

    async def last(self) -> Message | None:
        """Return the last message with something in it: a close, or a body. None if nothing came in time."""
        last = None
        while (message := await self.next("websocket.close", "http.response.body")) is not None:
            last = message
            if message["type"] == "websocket.close" or not message.get("more_body", False):
                break
        return last

    async def ended(self) -> None:
        """Wait until the app has returned."""
        try:
            await asyncio.wait_for(asyncio.shield(self._task), _PATIENCE)
        except TimeoutError:
            self._task.cancel()
            raise

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._answer)
        except Exception as broken:  # noqa: BLE001 - whatever it is, a server would note it and go on
            self.failure = broken

    async def _receive(self) -> Message:
        if self._to_app.empty():
            self._wanted.set()
        message = await self._to_app.get()
        self._wanted.clear()
        return message

    async def _answer(self, message: Message) -> None:
        self._from_app.put_nowait(message)


def _all(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _all(each)


_STATUSES: Final[Mapping[str, int]] = {kind.code: kind.status for kind in _all(AppError)}
