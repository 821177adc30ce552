"""ASGI requests as a server passes them on, also from clients that disconnect early."""

from starlette.types import Message, Scope

from tests.support.app import Live

BROKEN_OFF: list[Message] = [
    {"type": "http.request", "body": b'{"id": ', "more_body": True},
    {"type": "http.disconnect"},
]
WHOLE: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]


async def statuses_of(live: Live, method: str, path: str, messages: list[Message]) -> list[int]:
    """Send these messages as a request; return the statuses of its answers."""
    scope: Scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "http_version": "1.1",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")],
        "client": ("127.0.0.1", 5000),
    }
    left, statuses = list(messages), []

    async def receive() -> Message:
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await live(scope, receive, send)
    return statuses
