"""FAULTS 51: targets that are no path and bodies that break off are nobody's fault here, and no alarm."""

import pytest
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from tests.support.app import Live

BROKEN_OFF: list[Message] = [
    {"type": "http.request", "body": b'{"id": ', "more_body": True},
    {"type": "http.disconnect"},
]
WHOLE: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "TRACE"])
async def test_a_target_that_is_no_path_is_not_found(live: Live, method: str) -> None:
    assert await _statuses(live, method, "*", WHOLE) == [404]
    assert await _statuses(live, "GET", "/healthz", WHOLE) == [200]


async def test_a_body_that_breaks_off_is_no_failure_of_ours(live: Live) -> None:
    with capture_logs() as logs:
        unanswered = await _statuses(live, "POST", "/billing/v1/webhooks/stripe", BROKEN_OFF)
        answered = await _statuses(live, "POST", "/billing/v1/webhooks/stripe", WHOLE)

    assert unanswered == []
    assert answered == [400]
    assert [log for log in logs if log["log_level"] == "error"] == []


async def _statuses(live: Live, method: str, path: str, messages: list[Message]) -> list[int]:
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
