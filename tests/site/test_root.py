"""The root app's own routes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from insula.core.lag import LagMeter
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.schema.branches import heads
from insula.http.kernel import Kernel
from insula.http.metrics import RequestMetrics
from insula.limits import Limits, close, connect
from insula.site import health
from insula.site.factory import make_app, outer_stack
from insula.site.root import installation_router
from tests.http.probe import client_of
from tests.support.app import Live
from tests.support.apps import DECLARED, MOUNTS, SITE


def _root(settings: Settings, kernel: Kernel) -> FastAPI:
    """Return a new root app, without readiness cached by other tests."""
    metrics = RequestMetrics()
    root = make_app(
        name="root",
        mount="",
        title="root",
        description="root",
        version="1",
        settings=settings,
        site=SITE,
        stack=outer_stack(settings, metrics),
        routers=[installation_router(settings, metrics)],
    )

    async def with_kernel(scope: Scope, receive: Receive, send: Send) -> None:
        await root({**scope, "state": {"kernel": kernel}}, receive, send)

    outer = FastAPI(openapi_url=None)
    outer.mount("", with_kernel)
    return outer


@pytest.fixture
async def away() -> AsyncIterator[Limits]:
    redis = connect("redis://127.0.0.1:1/0")
    limits = Limits.build(redis)
    yield limits
    await limits.close()
    await close(redis)


async def test_healthz_needs_no_dependency(settings: Settings, live: Live) -> None:
    nothing: Kernel = replace(live.kernel, database=Database({}))
    async with client_of(_root(settings, nothing)) as client:
        answer = await client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


CHECKS = {"database": "ok", "migrations": "ok", "redis": "ok", "event_loop": "ok", "clock": "ok"}


async def test_readyz_reports_a_healthy_process(settings: Settings, live: Live) -> None:
    unhurried = replace(live.kernel, lag=LagMeter())  # the tests' own loop may be late
    async with client_of(_root(settings, unhurried)) as client:
        answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": CHECKS, "loop_lag_seconds": 0}


async def test_readyz_stays_ready_without_redis(settings: Settings, live: Live, away: Limits) -> None:
    async with client_of(_root(settings, replace(live.kernel, limits=away, lag=LagMeter()))) as client:
        answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "checks": {**CHECKS, "redis": "away"}, "loop_lag_seconds": 0}


async def test_readyz_is_503_without_the_database(settings: Settings, live: Live) -> None:
    elsewhere = settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/nowhere"})
    database = await Database.open(elsewhere, DECLARED.web_roles)
    async with client_of(_root(settings, replace(live.kernel, database=database, lag=LagMeter()))) as client:
        answer = await client.get("/readyz")
    await database.close()

    assert answer.status_code == 503
    assert answer.json()["checks"] == {**CHECKS, "database": "away", "migrations": "unknown", "clock": "unknown"}


@pytest.mark.parametrize(
    ("head", "found", "status"),
    [("kernel_9999_later", "pending", 503), ("kernel_0000", "ok", 200)],
    ids=["behind", "ahead"],
)
async def test_readyz_is_503_with_missing_migrations_and_accepts_newer_ones(
    settings: Settings, live: Live, monkeypatch: pytest.MonkeyPatch, head: str, found: str, status: int
) -> None:
    monkeypatch.setattr(health, "_heads", lambda branches: {**heads(branches), "kernel": head})
    async with client_of(_root(settings, live.kernel)) as client:
        answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (status, found)


@pytest.mark.parametrize(
    ("environment", "token", "peer", "headers", "status"),
    [
        ("local", "", "127.0.0.1", {}, 200),
        ("local", "", "::1", {}, 200),
        ("local", "", "::ffff:127.0.0.1", {}, 200),
        ("local", "", "203.0.113.9", {}, 404),
        ("local", "", "127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, 404),
        ("production", "", "127.0.0.1", {}, 404),  # a proxy on this machine that adds no forwarding header
        ("production", "", "::1", {}, 404),
        ("production", "", "127.0.0.1", {"authorization": "Bearer "}, 404),
        ("production", "long-enough", "127.0.0.1", {"authorization": "Bearer long-enough"}, 200),
        ("production", "long-enough", "203.0.113.9", {"authorization": "Bearer long-enough"}, 200),
        ("production", "long-enough", "203.0.113.9", {"authorization": "Bearer wrong"}, 404),
        ("production", "long-enough", "127.0.0.1", {}, 404),
    ],
)
async def test_metrics_require_a_token_or_a_local_development_client(
    settings: Settings, live: Live, environment: str, token: str, peer: str, headers: dict[str, str], status: int
) -> None:
    http = settings.http.model_copy(update={"metrics_token": SecretStr(token)})
    guarded = settings.model_copy(update={"environment": environment, "http": http})
    async with client_of(_root(guarded, live.kernel), peer=peer) as client:
        await client.get("/healthz")
        answer = await client.get("/metrics", headers=headers)

    assert answer.status_code == status
    assert ("insula_request_duration_seconds_count" in answer.text) is (status == 200)


async def test_metrics_are_not_open_to_a_trusted_proxy_on_this_machine_that_names_no_client(
    settings: Settings, live: Live
) -> None:
    http = settings.http.model_copy(update={"trusted_proxies": ("127.0.0.1",)})
    trusting = settings.model_copy(update={"environment": "local", "http": http})
    async with client_of(_root(trusting, live.kernel), peer="127.0.0.1") as client:
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/metrics", headers={"x-forwarded-proto": "https"})).status_code == 404


async def test_the_page_shows_every_app_and_its_documents(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert answer.headers["content-type"].startswith("text/html")
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    for mount in MOUNTS.values():
        for page in ("docs", "redoc", "openapi.json"):
            assert f'href="{mount}/{page}"' in answer.text
