"""The order of the middleware, and the two that come from Starlette."""

import httpx
import pytest
from starlette.routing import Mount

from insula.http.middleware import compression
from insula.http.middleware.cors import Cors
from tests.http.probe import build, client_of, configured

SHOP = "https://shop.example.com"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


def test_the_order_is_as_written_down() -> None:
    root = build(configured(cors_origins=SHOP))
    tenants = next(route.app for route in root.routes if isinstance(route, Mount) and route.path == "/api")

    assert _names(root) == ["Edge", "Cors", "Faults", "Gate", "Moved", "Head", "Compression"]
    assert _names(tenants) == ["Faults"]
    assert _names(build()) == ["Edge", "Faults", "Gate", "Moved", "Head", "Compression"]


async def test_a_named_origin_may_read_answers_and_sends_no_cookies() -> None:
    async with client_of(build(configured(cors_origins=SHOP))) as client:
        asked = await client.options("/api/v1/things", headers={"origin": SHOP, **PREFLIGHT})
        served = await client.get("/api/v1/forbid", headers={"origin": SHOP})

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == served.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in served.headers
    assert "X-Request-ID" in served.headers["access-control-expose-headers"]


async def test_a_named_origin_may_read_why_it_was_refused() -> None:
    async with client_of(build(configured(cors_origins=SHOP, body_limit=1024))) as client:
        too_large = await client.post("/api/v1/length", headers={"origin": SHOP}, content=b"a" * 1025)
        no_text = await client.get("/api/v1/see?x=%00", headers={"origin": SHOP})

    assert (too_large.status_code, no_text.status_code) == (413, 400)
    assert too_large.headers["access-control-allow-origin"] == no_text.headers["access-control-allow-origin"] == SHOP


async def test_another_origin_may_not() -> None:
    async with client_of(build(configured(cors_origins=SHOP))) as client:
        asked = await client.options("/api/v1/things", headers={"origin": "https://evil.example", **PREFLIGHT})
        served = await client.get("/api/v1/see", headers={"origin": "https://evil.example"})

    assert (asked.status_code, asked.headers["content-type"]) == (400, "application/problem+json")
    assert "access-control-allow-origin" not in served.headers


def test_every_origin_at_once_is_refused_when_building() -> None:
    with pytest.raises(ValueError, match="name origins"):
        Cors(build(), ["*"])


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/openapi.json", "/api/openapi.json", "/api/v1/see"])
async def test_head_is_get_without_the_body(path: str) -> None:
    async with client_of(build()) as client:
        got, head = await client.get(path), await client.head(path)

    assert (head.status_code, head.content) == (got.status_code, b"")
    varying = {"date", "x-request-id", "server-timing"}
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in got.headers.items() if k not in varying
    }


async def test_large_answers_are_compressed_and_credentials_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async with client_of(build()) as client:
        large = await client.get("/api/v1/large")
        small = await client.get("/api/v1/see")
        monkeypatch.setattr(compression, "_SECRET", ("/api/v1/large",))
        secret = await client.get("/api/v1/large")

    assert [_encoding(answer) for answer in (large, small, secret)] == ["gzip", None, None]
    assert large.json() == secret.json()


def _names(app: object) -> list[str]:
    return [layer.cls.__name__ for layer in getattr(app, "user_middleware", [])]


def _encoding(answer: httpx.Response) -> str | None:
    encoding: str | None = answer.headers.get("content-encoding")
    return encoding
