"""Requests that are refused before routing, each beside one that passes."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import ASGIApp, Message, Scope

from insula.site import factory
from tests.http.probe import build, client_of, configured


@pytest.fixture
async def probe() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(build()) as client:
        yield client


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> None:
    async def is_verified(_scope: Scope, host: str) -> bool:
        return host == "shop.example.com"

    monkeypatch.setattr(factory, "is_verified_host", is_verified)


@pytest.mark.parametrize("name", ["Authorization", "X-Tenant", "X-API-Key", "Idempotency-Key", "If-Match", "Host"])
async def test_a_duplicate_identifying_header_is_refused(probe: httpx.AsyncClient, name: str) -> None:
    once = await probe.get("/api/v1/see", headers={name: "localhost"})
    twice = await probe.get("/api/v1/see", headers=[("Host", "localhost"), (name, "localhost"), (name, "localhost")])

    assert once.status_code == 200
    assert (twice.status_code, twice.json()["code"]) == (400, "duplicate_header")


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/things/a%00b",
        "/api/v1/see?a=%00",
        "/api/v1/see?%00=a",
        "/api/v1/see?a=%zz",
        "/api/v1/see?a=%f",
        "/api/v1/see?a=%ff",
        "/api/v1/see?a=%ed%a0%80",
        "/api/v1/see?a=" + "b" * 20_000,
    ],
)
async def test_a_broken_target_is_refused(target: str) -> None:
    refused = await _send(build(), target)
    served = await _send(build(), "/api/v1/see?a=caf%C3%A9&b=100%25")

    assert (refused, served) == (400, 200)


async def test_a_header_with_nul_is_refused() -> None:
    assert await _send(build(), "/v1/see", (b"x-note", b"a\0b")) == 400
    assert await _send(build(), "/v1/see", (b"x-note", b"ab")) == 200


async def test_huge_credentials_are_refused_before_parsing() -> None:
    assert await _send(build(), "/v1/see", (b"authorization", b"Bearer " + b"a" * 3_000_000)) == 431
    assert await _send(build(), "/v1/see", (b"authorization", b"Bearer " + b"a" * 2_000)) == 200


@pytest.mark.usefixtures("verified")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("LOCALHOST.", 200),
        ("acme.localhost", 200),
        ("127.0.0.1:8000", 200),
        ("insula.example", 200),
        ("shop.example.com", 200),
        ("evil.example.com", 421),
        ("localhost.evil.com", 421),
        ("evil-localhost", 421),
        ("shop.example.com/../x", 421),
        ("a b", 421),
        ("", 421),
    ],
)
async def test_only_known_hosts_are_served(host: str, status: int) -> None:
    app = build(configured(allowed_hosts="insula.example"))

    assert await _send(app, "/api/v1/see", (b"host", host.encode())) == status


@pytest.mark.usefixtures("verified")
async def test_health_probes_may_use_an_ip_address_as_host() -> None:
    routed = 404  # this root has no such route

    assert await _send(build(), "/healthz", (b"host", b"10.0.0.8:8000")) == routed
    assert await _send(build(), "/v1/see", (b"host", b"10.0.0.8:8000")) == 421


async def test_the_forwarded_host_of_a_trusted_proxy_is_checked_too() -> None:
    app = build(configured(trusted_proxies="127.0.0.1"))

    assert await _send(app, "/v1/see", (b"x-forwarded-host", b"a b")) == 421
    assert await _send(app, "/v1/see", (b"x-forwarded-host", b"acme.localhost")) == 200


async def test_a_large_body_is_refused_by_its_length_before_it_is_read(probe: httpx.AsyncClient) -> None:
    refused = await probe.post("/api/v1/length", content=b"a" * (1_048_576 + 1))
    served = await probe.post("/api/v1/length", content=b"a" * 1_048_576)

    assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")
    assert refused.headers["connection"] == "close"
    assert served.json() == 1_048_576


async def test_a_large_body_of_unknown_length_is_refused_as_it_grows(probe: httpx.AsyncClient) -> None:
    sent = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"a" * 65_536

    refused = await probe.post("/api/v1/length", content=parts())

    assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")
    assert sent <= 18


async def _send(app: ASGIApp, target: str, *headers: tuple[bytes, bytes]) -> int:
    """Send a request that no client library would send; return the status."""
    path, _, query = target.partition("?")
    named = {name for name, _ in headers}
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "path": path.replace("%00", "\0"),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [*headers, *([] if b"host" in named else [(b"host", b"localhost")])],
        "client": ("127.0.0.1", 5000),
    }
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]
