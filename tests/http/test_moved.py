"""A former slug's host redirects to a URL built from the settings and the path as sent, and to no other."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from insula.core.errors import BadRequest
from insula.core.settings import Settings
from insula.http.errors import HostMoved
from insula.http.middleware.moved import Moved
from tests.support.states import with_state

SETTINGS = Settings(environment="test", public_url="https://app.insula.dev:8443", base_domain="insula.dev")
OLD, NEW = "old.insula.dev", "https://new.insula.dev:8443"


async def _served(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})


async def _successor(_scope: Scope, host: str) -> str | None:
    return "new" if host == OLD else None


async def answer(
    path: bytes = b"/", query: bytes = b"", host: str = OLD, method: str = "GET", kind: str = "http"
) -> tuple[int, str | None]:
    """Return the status and the ``Location``."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {
        "type": kind,
        "method": method,
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": [(b"host", host.encode())],
    }
    await Moved(_served, SETTINGS, _successor)(with_state(scope), receive, send)
    headers = dict(sent[0]["headers"])
    return sent[0]["status"], headers.get(b"location", b"").decode() or None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_path_and_query_are_kept(method: str) -> None:
    found = await answer(b"/api/v1/racks/%C3%BC", b"search=a%20b&sort_by=-name", method=method)
    assert found == (308, f"{NEW}/api/v1/racks/%C3%BC?search=a%20b&sort_by=-name")


@pytest.mark.parametrize("host", ["OLD.insula.dev", "old.insula.dev:80", "old.insula.dev."])
async def test_a_former_host_is_recognised_in_any_spelling(host: str) -> None:
    assert await answer(host=host) == (308, f"{NEW}/")


@pytest.mark.parametrize("host", ["new.insula.dev", "app.insula.dev", "insula.dev", "shop.example.com", ""])
async def test_a_current_host_is_served(host: str) -> None:
    assert await answer(host=host) == (204, None)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"])
async def test_only_reads_are_redirected_from_a_former_host(method: str) -> None:
    with pytest.raises(HostMoved):
        await answer(method=method)


async def test_no_socket_is_opened_under_a_former_host() -> None:
    with pytest.raises(HostMoved):
        await answer(kind="websocket", method="")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (b"//evil.example/", "//evil.example/"),
        (b"/\\evil.example", "/%5Cevil.example"),
        (b"/a\r\nset-cookie: x", "/a%0D%0Aset-cookie:%20x"),
        (b"/<script>", "/%3Cscript%3E"),
        (b"/#there", "/%23there"),
        (b"/\xff", "/%FF"),
    ],
)
async def test_a_hostile_path_does_not_redirect_elsewhere(path: bytes, target: str) -> None:
    assert await answer(path) == (308, f"{NEW}{target}")


@pytest.mark.parametrize("path", [b"@evil.example/", b".evil.example/", b"*", b"http://evil.example/"])
async def test_an_invalid_path_is_refused(path: bytes) -> None:
    with pytest.raises(BadRequest):
        await answer(path)


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
async def test_a_probe_is_answered_under_any_host(path: bytes) -> None:
    assert await answer(path) == (204, None)
