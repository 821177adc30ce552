"""The order of the middleware, and the two that come from Starlette."""

import httpx
import pytest
from starlette.routing import Mount
from starlette.types import Scope

from insula.http.middleware import compression
from insula.http.middleware.cors import Cors
from insula.http.middleware.mounts import Mounts
from insula.http.routing.dispatch import install
from tests.http.probe import build, client_of, configured

SHOP = "https://shop.example.com"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


INNERMOST = ("Compression", "Mounts")


def test_the_middleware_has_the_documented_order() -> None:
    root = build(configured(cors_origins=SHOP))
    tenants = next(route.app for route in root.routes if isinstance(route, Mount) and route.path == "/api")

    assert _names(root) == ["Edge", "Cors", "UnhandledErrors", "RequestChecks", "Moved", "Head", *INNERMOST]
    assert _names(tenants) == []
    assert _names(build()) == ["Edge", "UnhandledErrors", "RequestChecks", "Moved", "Head", *INNERMOST]


async def test_a_named_origin_may_read_answers_and_sends_no_cookies() -> None:
    async with client_of(build(configured(cors_origins=SHOP))) as client:
        preflight = await client.options("/api/v1/things", headers={"origin": SHOP, **PREFLIGHT})
        served = await client.get("/api/v1/forbid", headers={"origin": SHOP})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == served.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in served.headers
    assert "X-Request-ID" in served.headers["access-control-expose-headers"]
    assert "WWW-Authenticate" in served.headers["access-control-expose-headers"]


async def test_a_named_origin_may_read_why_it_was_refused() -> None:
    async with client_of(build(configured(cors_origins=SHOP, body_limit=1024))) as client:
        too_large = await client.post("/api/v1/length", headers={"origin": SHOP}, content=b"a" * 1025)
        no_text = await client.get("/api/v1/see?x=%00", headers={"origin": SHOP})

    assert (too_large.status_code, no_text.status_code) == (413, 400)
    assert too_large.headers["access-control-allow-origin"] == no_text.headers["access-control-allow-origin"] == SHOP


async def test_another_origin_gets_no_cors_headers() -> None:
    async with client_of(build(configured(cors_origins=SHOP))) as client:
        preflight = await client.options("/api/v1/things", headers={"origin": "https://evil.example", **PREFLIGHT})
        served = await client.get("/api/v1/see", headers={"origin": "https://evil.example"})

    assert (preflight.status_code, preflight.headers["content-type"]) == (400, "application/problem+json")
    assert "access-control-allow-origin" not in served.headers


def test_a_wildcard_origin_is_refused_at_the_start() -> None:
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
        plain = await client.get("/api/v1/large", headers={"accept-encoding": "identity"})
        small = await client.get("/api/v1/see")
        monkeypatch.setattr(compression, "_SECRET", ("/api/v1/large",))
        secret = await client.get("/api/v1/large")

    assert [_encoding(answer) for answer in (large, plain, small, secret)] == ["gzip", None, None, None]
    varies = [answer.headers.get_list("vary") for answer in (large, plain, small, secret)]
    assert varies == [["Accept-Encoding"], ["Accept-Encoding"], [], []]
    assert large.json() == plain.json() == secret.json()


@pytest.mark.parametrize(
    ("accepted", "large", "small"),
    [
        *(
            ("gzip", "gzip", None),
            ("*", "gzip", None),
            ("x-gzip;q=0.001", "gzip", None),
            ("GZIP ; Q=0.5", "gzip", None),
        ),
        *(("gzip;q=0", None, None), ("gzip;q=0.0, br", None, None), ("br, *;q=0", None, None), ("", None, None)),
        *(("*, gzip;q=0", None, None), ("gzip;q=0.5, identity", None, None), ("gzipped", None, None)),
        *(("gzip, identity;q=0", "gzip", "gzip"), ("gzip, *;q=0", "gzip", "gzip"), ("*;q=0", None, None)),
        *(("br;gzip", None, None), ("gzip;q=2", None, None), ("gzip;level=9", None, None)),
    ],
)
async def test_the_content_coding_follows_accept_encoding(accepted: str, large: str | None, small: str | None) -> None:
    async with client_of(build()) as client:
        headers = {"accept-encoding": accepted}
        answers = [await client.get(f"/api/v1/{name}", headers=headers) for name in ("large", "see")]
        lines = [("accept-encoding", "br"), *([("accept-encoding", accepted)] if accepted else [])]
        in_lines = await client.get("/api/v1/large", headers=httpx.Headers(lines))

    assert [_encoding(answer) for answer in answers] == [large, small]
    assert _encoding(in_lines) == large
    assert answers[0].json() == in_lines.json() == ["abcdefgh"] * 500


def _names(app: object) -> list[str]:
    return [layer.cls.__name__ for layer in getattr(app, "user_middleware", [])]


def _encoding(answer: httpx.Response) -> str | None:
    encoding: str | None = answer.headers.get("content-encoding")
    return encoding


@pytest.mark.parametrize(
    "preflight",
    [
        *(
            f"GET /api/v1/{name}"
            for name in ("see", "large", "forbid", "limit_rate", "break_down", "be_unavailable", "misfit")
        ),
        "GET /api/v1/things/no-id",
        "GET /api/v1/things/6f1c1a52-5d0c-4c39-9d43-5a1f6f0d4a11?limit=0",
        "POST /api/v1/length",
        "POST /api/v1/things",
        "DELETE /api/v1/see",
        "HEAD /api/v1/see",
        "OPTIONS /api/v1/see",
        *(
            f"GET {path}"
            for path in ("/api", "/api/", "/api//v1/see", "//api/v1/see", "/apix", "/apix/v1/see", "/x/api")
        ),
        *(
            f"GET {path}"
            for path in ("/%61pi/v1/see", "/api%2fv1/see", "/api/openapi.json", "/v1/see", "/static/x.css")
        ),
    ],
)
async def test_the_table_of_mounts_changes_no_answer(preflight: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, path = preflight.split(" ")
    root, varying = build(), {"date", "x-request-id", "server-timing"}
    install(root)
    entered = 0
    mount = Mounts._mount  # noqa: SLF001 - what is compared

    def counted(self: Mounts, scope: Scope) -> Mount | None:
        nonlocal entered
        found = mount(self, scope)
        entered += found is not None
        return found

    async with client_of(root) as client:
        monkeypatch.setattr(Mounts, "_mount", counted)
        by_table = await client.request(method, path)
        monkeypatch.setattr(Mounts, "_mount", lambda *_: None)
        in_turn = await client.request(method, path)

    assert entered == path.replace("%61", "a").replace("%2f", "/").startswith("/api/")
    assert (by_table.status_code, _without_ids(by_table)) == (in_turn.status_code, _without_ids(in_turn))
    assert [(k, v) for k, v in by_table.headers.items() if k not in varying] == [
        (k, v) for k, v in in_turn.headers.items() if k not in varying
    ]


async def test_mounted_apps_are_found_below_a_root_path() -> None:
    root = build()
    install(root)
    app = httpx.ASGITransport(root, root_path="/below")
    async with httpx.AsyncClient(transport=app, base_url="http://localhost") as client:
        assert (await client.get("/below/api/v1/see")).status_code == 200


def _without_ids(answer: httpx.Response) -> str:
    return answer.text.replace(answer.headers["x-request-id"], "")
