"""Fault 52: PostgreSQL accepts connections but is silent: requests that need it fail in time, and all recovers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from time import monotonic

import httpx
import pytest

from insula.core.settings import Settings
from tenants.database import TENANTS
from tests.support.app import SignIn, serving
from tests.support.factories import Factories
from tests.support.faulty import Fault, Faulty, faulty, of_role
from tests.support.waiting import answers, until

POOL_TIMEOUT, STATEMENT = 0.5, 1.0
CONNECTING, ASKING = POOL_TIMEOUT + 1, STATEMENT + 1
# A request waits for its caller's identity (a connection and a statement), then for its own statement.
IN_TIME = 2 * (CONNECTING + ASKING) + 2
RECOVERS_WITHIN = 2.0
STRIKES: Mapping[str, Callable[[Faulty], None]] = {
    "everything swallowed": lambda proxy: proxy.strike(Fault.SWALLOW),
    "open connections swallowed": lambda proxy: proxy.strike(Fault.SWALLOW, open_only=True),
    "frozen": lambda proxy: proxy.strike(Fault.FREEZE),
    "refused": lambda proxy: proxy.strike(Fault.REFUSE),
    "dripping": lambda proxy: proxy.strike(Fault.DRIP, seconds=0.5),
}


@pytest.fixture(scope="module")
def proxy(settings: Settings) -> Iterator[Faulty]:
    with faulty(settings.database_url) as running:
        yield running


@pytest.fixture(scope="module")
def address(settings: Settings, proxy: Faulty) -> Iterator[str]:
    through = settings.model_copy(update={"database_url": proxy.url(settings.database_url)})
    limits = {
        "INSULA_DATABASE_POOL_TIMEOUT": str(POOL_TIMEOUT),
        "INSULA_DATABASE_STATEMENT_TIMEOUT": str(STATEMENT),
        "INSULA_LOG_LEVEL": "ERROR",
    }
    with serving(through, 0, **limits) as address:
        yield address


@pytest.fixture(autouse=True)
def _healed(proxy: Faulty) -> Iterator[None]:
    yield
    proxy.heal()


@pytest.fixture
async def client(address: str, make: Factories, sign_in: SignIn) -> AsyncIterator[httpx.AsyncClient]:
    tenant = await make.tenant(entitlements={"requests_per_minute": 100_000, "racks": 1_000})
    owner = await make.member(tenant, "owner")
    headers = await sign_in(owner, tenant)
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        assert (await client.get("/api/v1/racks")).status_code == 200
        yield client


async def _many(client: httpx.AsyncClient, count: int = 40) -> list[tuple[int, float]]:
    """Send alternating reads and writes concurrently; return each status and duration."""

    async def ask(number: int) -> tuple[int, float]:
        began = monotonic()
        if number % 2:
            answer = await client.get("/api/v1/racks")
        else:
            answer = await client.post("/api/v1/racks", json={"name": f"Silent {number} {began}"})
        return answer.status_code, monotonic() - began

    return list(await asyncio.gather(*(ask(number) for number in range(count))))


@pytest.mark.parametrize("fault", [*STRIKES])
async def test_requests_fail_in_time_during_a_fault_and_succeed_after_it(
    client: httpx.AsyncClient, proxy: Faulty, fault: str
) -> None:
    await _many(client, 10)
    STRIKES[fault](proxy)

    for _ in range(2):
        asking = asyncio.create_task(_many(client))
        assert (await client.get("/healthz", timeout=1)).status_code == 200
        found = await asking
        assert {status for status, _ in found} <= {200, 201, 503}
        assert max(seconds for _, seconds in found) < IN_TIME

    proxy.heal()
    await answers(200, lambda: client.get("/api/v1/racks"), seconds=RECOVERS_WITHIN)
    await answers(
        201, lambda: client.post("/api/v1/racks", json={"name": f"Back {monotonic()}"}), seconds=RECOVERS_WITHIN
    )


async def test_a_silent_pool_is_named_and_does_not_affect_the_others(
    client: httpx.AsyncClient, proxy: Faulty, settings: Settings
) -> None:
    assert (await client.get("/readyz")).json()["checks"]["database"] == "ok"
    proxy.strike(Fault.SWALLOW, only=of_role(TENANTS))

    async def named() -> bool:
        answer = await client.get("/readyz")
        return answer.status_code == 503 and answer.json()["checks"]["database"] == "away: insula_tenants"

    await until(named, seconds=10)
    assert (await client.get("/api/v1/racks")).status_code == 503
    stranger = {"email": "nobody@example.com", "password": "x" * 12, "resource": f"{settings.public_url}/api"}
    assert (await client.post("/auth/login", json=stranger)).status_code == 401

    proxy.heal()
    await answers(200, lambda: client.get("/readyz"), seconds=5)
    assert (await client.get("/api/v1/racks")).status_code == 200


async def test_signing_keys_stay_cached_and_waiters_share_one_reload(client: httpx.AsyncClient, proxy: Faulty) -> None:
    proxy.strike(Fault.SWALLOW)

    began = monotonic()
    found = await asyncio.gather(*(client.get("/api/v1/racks") for _ in range(60)))
    assert monotonic() - began < IN_TIME
    assert {answer.status_code for answer in found} == {503}
    assert (await client.get("/.well-known/jwks.json")).status_code == 200
