"""Requests and answers as bytes, passed to the app as a server would, but without a server."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Self
from urllib.parse import unquote, urlencode

from starlette.types import ASGIApp, Message

Headers = tuple[tuple[str, str], ...]
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
        return f"{unquote(self.path)} {self.query} {self.headers} {(self.body or b'').decode()}"

    def scope(self, state: Mapping[str, object]) -> dict[str, object]:
        """Return the ASGI scope that uvicorn would make."""
        named = {name for name, _ in self.headers}
        headers = [*self.headers, *([] if "host" in named else [("host", _HOST)])]
        if self.body is not None:
            headers += [("content-length", str(len(self.body)))]
            headers += [] if "content-type" in named else [("content-type", "application/json")]
        return {
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
    """Return the app's answer; an exception of the app is a 500, as a server would answer."""
    messages: list[Message] = []
    parts = [{"type": "http.request", "body": request.body or b"", "more_body": False}]

    async def receive() -> Message:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def answer(message: Message) -> None:
        messages.append(message)

    try:
        await app(request.scope(state), receive, answer)
    except Exception as broken:  # noqa: BLE001 - whatever it is, a server would answer 500
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, (), repr(broken).encode())
    start = next((message for message in messages if message["type"] == "http.response.start"), None)
    if start is None:
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, (), b"no answer at all")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in messages))
