"""Fault 49: a tenant that sends twenty times its limit is served its limit, and other tenants lose nothing.

Only counts: ``make bench-fairness`` measures the effect on the neighbours' p99.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from time import monotonic

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import serving
from tests.support.factories import Factories
from tests.support.load import CONNECTIONS, Ask, Load

LIMIT, TIMES = 30, 20
NOISY, NEIGHBOURS = 8, 4


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings, 0, INSULA_LOG_LEVEL="ERROR") as address:
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=CONNECTIONS) as client:
        yield client


@pytest.fixture
def asking(client: httpx.AsyncClient) -> Callable[[str, Mapping[str, str]], Ask]:
    def ask(method: str, headers: Mapping[str, str]) -> Ask:
        body = {"name": "Again"} if method == "POST" else None
        return partial(client.request, method, "/api/v1/racks", headers=headers, json=body)

    return ask


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_neighbours_of_a_noisy_tenant_lose_nothing(
    method: str, asking: Callable[[str, Mapping[str, str]], Ask], make: Factories
) -> None:
    noisy = await make.tenant(entitlements={"requests_per_minute": LIMIT, "racks": 1})
    callers = [("noisy", asking(method, (await make.api_key(noisy, "rack:read", "rack:create")).headers))] * NOISY
    for number in range(NEIGHBOURS):
        calm = await make.tenant(entitlements={"requests_per_minute": 10_000, "racks": 1})
        callers.append((f"neighbour {number}", asking("GET", (await make.api_key(calm, "rack:read")).headers)))

    load, begun = Load(), monotonic()
    async with load.of(callers):
        await load.more(TIMES * LIMIT, status=429, seconds=60)
    windows = 1 + int((monotonic() - begun) // 60)  # one, or more on a busy machine

    admitted = {"GET": LIMIT, "POST": LIMIT // 2}[method]  # writes have half of the rate
    refused = load.statuses("noisy")
    assert admitted <= sum(count for status, count in refused.items() if status != 429) <= admitted * windows
    for number in range(NEIGHBOURS):
        served = load.statuses(f"neighbour {number}")
        assert set(served) == {200}
        assert served[200] > refused[429] / NOISY / 5, "refusals slow the admitted requests too much"
