"""Fault 41: with every connection in use, requests get a quick 503, health checks answer, and the app recovers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import httpx
import pytest

from insula.core.settings import Settings
from insula.db.engine.pools import shares
from tenants.database import TENANTS
from tests.support.app import serving
from tests.support.apps import DECLARED
from tests.support.backends import Readback, holding, until_blocked
from tests.support.factories import Factories

POOL_TIMEOUT = 0.3
QUICK = 3.0  # ten times the wait for a connection: the machine may be busy


@pytest.fixture(scope="module")
def small(settings: Settings) -> Settings:
    return settings.model_copy(update={"database": settings.database.model_copy(update={"budget": 8})})


@pytest.fixture(scope="module")
def address(small: Settings) -> Iterator[str]:
    quickly = {"INSULA_DATABASE_POOL_TIMEOUT": str(POOL_TIMEOUT), "INSULA_LOG_LEVEL": "ERROR"}
    with serving(small, 0, **quickly) as address:
        yield address


@pytest.fixture
async def client(address: str, make: Factories) -> AsyncIterator[httpx.AsyncClient]:
    tenant = await make.tenant(entitlements={"requests_per_minute": 10_000, "racks": 100})
    key = await make.api_key(tenant, "rack:read", "rack:create")
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers=key.headers, timeout=20) as client:
        assert (await client.get("/racks")).status_code == 200
        yield client


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_exhausted_pool_gives_503_at_once_and_recovers(
    method: str, client: httpx.AsyncClient, address: str, settings: Settings, small: Settings, readback: Readback
) -> None:
    body = {"name": "Temple"} if method == "POST" else None
    size = shares(small.database.budget, DECLARED.web_roles)[TENANTS]
    async with holding(settings, "LOCK TABLE rack IN ACCESS EXCLUSIVE MODE"):
        holders = asyncio.gather(*(client.get("/racks") for _ in range(size)))
        await until_blocked(readback, size)

        began = monotonic()
        refused = await asyncio.gather(*(client.request(method, "/racks", json=body) for _ in range(20)))
        assert monotonic() - began < QUICK
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "unavailable")}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert (await client.get(f"{address}/healthz")).status_code == 200
        assert (await client.get(f"{address}/readyz")).status_code == 200

    assert [answer.status_code for answer in await holders] == [200] * size
    afterwards = await client.request(method, "/racks", json=body)
    assert afterwards.status_code == (201 if method == "POST" else 200)
    assert [(await client.get("/racks")).status_code for _ in range(20)] == [200] * 20
