"""Every request gets an id, a client address and response headers, a log line and metrics."""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import httpx
import pytest

from insula.core.logging import AccessLog
from insula.core.settings import HttpSettings, Settings
from insula.http.metrics import RequestMetrics
from tests.http.probe import build, client_of, configured

Lines = list[Mapping[str, object]]
PROXY, STRANGER = "10.1.2.3", "203.0.113.9"
FORWARDED = {
    "x-forwarded-for": "198.51.100.7, 203.0.113.20, 10.9.9.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.localhost",
    "x-request-id": "from-the-proxy-1",
}
BEHIND_PROXY = configured(trusted_proxies="10.0.0.0/8, ::1")


@pytest.fixture
def access_log(monkeypatch: pytest.MonkeyPatch) -> Lines:
    lines: Lines = []
    monkeypatch.setattr(AccessLog, "write", lambda _log, _level, fields: lines.append(fields))
    return lines


async def test_a_request_id_is_generated_and_returned() -> None:
    async with client_of(build()) as client:
        first, second = await client.get("/healthz"), await client.get("/healthz")

    assert UUID(first.headers["x-request-id"]).version == 7
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_headers_of_a_trusted_proxy_are_used() -> None:
    async with client_of(build(BEHIND_PROXY), peer=PROXY) as client:
        answer = await client.get("/api/v1/see", headers=FORWARDED)

    assert answer.headers["x-request-id"] == "from-the-proxy-1"
    assert answer.json() == {"client": "203.0.113.20", "scheme": "https", "host": "shop.localhost", "forwarded": []}


async def test_forwarding_headers_of_other_clients_are_ignored() -> None:
    async with client_of(build(BEHIND_PROXY), peer=STRANGER) as client:
        answer = await client.get("/api/v1/see", headers=FORWARDED)

    assert UUID(answer.headers["x-request-id"]).version == 7
    assert answer.json() == {"client": STRANGER, "scheme": "http", "host": "localhost", "forwarded": []}


@pytest.mark.parametrize("request_id", ["short", "x" * 129, "with space in it", "<script>alert(1)"])
async def test_an_invalid_request_id_of_a_proxy_is_replaced(request_id: str) -> None:
    async with client_of(build(BEHIND_PROXY), peer=PROXY) as client:
        answer = await client.get("/v1/see", headers={"x-request-id": request_id})

    assert UUID(answer.headers["x-request-id"]).version == 7


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("203.0.113.20", "203.0.113.20"),
        ("::ffff:203.0.113.20", "203.0.113.20"),
        ("10.1.1.1, 10.1.1.2", "10.1.1.1"),
        ("nonsense, 203.0.113.20", "203.0.113.20"),
    ],
)
async def test_the_client_is_the_nearest_untrusted_hop(hops: str, client: str) -> None:
    async with client_of(build(BEHIND_PROXY), peer=PROXY) as http:
        answer = await http.get("/v1/see", headers={"x-forwarded-for": hops})

    assert answer.json()["client"] == client


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/see", "/nowhere", "/api/v1/forbid", "/api/nowhere"])
async def test_every_answer_has_security_and_timing_headers(path: str) -> None:
    async with client_of(build()) as client:
        answer = await client.get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["server-timing"].startswith("total;dur=")
    assert "strict-transport-security" not in answer.headers


async def test_https_answers_have_strict_transport_security() -> None:
    async with client_of(build(), "https://localhost") as client:
        answer = await client.get("/api/v1/see")

    assert "max-age=" in answer.headers["strict-transport-security"]


async def test_production_sends_no_server_timing() -> None:
    async with client_of(build(Settings(environment="production", http=HttpSettings()))) as client:
        answer = await client.get("/api/v1/see")

    assert "server-timing" not in answer.headers


async def test_the_log_has_the_route_template_and_no_values(access_log: Lines) -> None:
    async with client_of(build()) as client:
        answer = await client.get(
            "/api/v1/things/17?secret=canary", headers={"authorization": "Bearer canary", "cookie": "a=canary"}
        )
    [said] = access_log

    assert answer.status_code == 422
    assert {name: said[name] for name in ("app", "method", "route", "status", "client")} == {
        "app": "tenants",
        "method": "GET",
        "route": "/api/v1/things/{thing_id}",
        "status": 422,
        "client": "127.0.0.1",
    }
    assert "canary" not in repr(said)
    assert "17" not in str(said["route"])


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/nowhere/canary", "unmatched"),
        ("/nowhere", "unmatched"),
        ("/static/insula/insula.css", "/static/..."),
        ("/docs", "/docs"),
        ("/api/docs", "/api/docs"),
    ],
)
async def test_an_unmatched_path_is_not_logged_as_a_route(access_log: Lines, path: str, route: str) -> None:
    async with client_of(build()) as client:
        await client.get(path)

    assert access_log[0]["route"] == route


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/api/docs", "/api/v1/see", "/api/v1/forbid", "/api/nowhere"])
async def test_head_is_logged_and_counted_like_get(access_log: Lines, path: str) -> None:
    metrics = RequestMetrics()
    async with client_of(build(metrics=metrics)) as client:
        got, head = await client.get(path), await client.head(path)
    by_get, by_head = access_log

    assert head.status_code == got.status_code
    assert (by_get["method"], by_head["method"]) == ("GET", "HEAD")
    varying = {"method", "request_id", "duration_ms"}
    assert {name: value for name, value in by_head.items() if name not in varying} == {
        name: value for name, value in by_get.items() if name not in varying
    }
    counted = _counted(metrics)
    for labels in [labels for labels in counted if labels[1] == "HEAD"]:
        assert counted[labels] == counted[labels[0], "GET", *labels[2:]] == 1
    assert {method for _, method, _, _ in counted} == {"GET", "HEAD"}


async def test_metrics_count_by_app_route_and_status_class() -> None:
    metrics = RequestMetrics()
    async with client_of(build(metrics=metrics)) as client:
        await client.get("/api/v1/see")
        await client.get("/api/v1/forbid")
        await client.request("BREW", "/api/v1/canary")
        measured: httpx.Response = await client.get("/nowhere")

    assert measured.status_code == 404
    assert _counted(metrics) == {
        ("tenants", "GET", "/api/v1/see", "2xx"): 1,
        ("tenants", "GET", "/api/v1/forbid", "4xx"): 1,
        ("tenants", "OTHER", "unmatched", "4xx"): 1,
        ("root", "GET", "unmatched", "4xx"): 1,
    }


@pytest.mark.parametrize(("level", "written"), [("INFO", 1), ("WARNING", 0)])
def test_a_log_line_is_json_and_has_its_level(capsys: pytest.CaptureFixture[str], level: str, written: int) -> None:
    AccessLog(level).write("info", {"route": "/v1/see", "status": 200})
    AccessLog(level).write("debug", {"route": "/healthz"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["level"], line["route"]) for line in lines] == [
        ("request", "info", "/v1/see")
    ] * written
    assert all(datetime.fromisoformat(line["timestamp"]).tzinfo is not None for line in lines)


def test_a_log_line_with_a_lone_surrogate_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    AccessLog("INFO").write("info", {"client": "\ud800"})
    assert json.loads(capsys.readouterr().out)["client"] == "\ud800"


def _counted(metrics: RequestMetrics) -> dict[tuple[str, str, str, str], float]:
    """Return how many requests ``metrics`` know, by app, method, route and status class."""
    return {
        (sample.labels["app"], sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "insula_request_duration_seconds_count"
    }
