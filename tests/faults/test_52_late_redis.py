"""Fault 52: Redis answers late, loses answers, goes silent on old connections or refuses writes.

Nothing is charged twice, no tenant within its limit is refused, and the circuit does not flap.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from insula.core.ids import TenantId, new_tenant_id
from insula.core.lag import LagMeter
from insula.limits import Health, LimitClass, Limits, circuit, close, connect
from insula.site.health import ReadinessCheck
from tests.limits.server import ValkeyServer, valkey_server
from tests.support.app import Live
from tests.support.faulty import Fault, Faulty, faulty
from tests.support.limits import admit
from tests.support.waiting import until

LIMIT: Final = 600
PART: Final = 190  # three of them are 95 % of the limit
READ: Final = LimitClass.READ


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
def proxy(server: ValkeyServer) -> Iterator[Faulty]:
    with faulty(server.url) as running:
        yield running


@pytest.fixture
async def direct(server: ValkeyServer) -> AsyncIterator[Redis]:
    """Yield a client of Redis that bypasses the proxy."""
    client = connect(server.url)
    yield client
    await close(client)


@pytest.fixture
async def processes(server: ValkeyServer, proxy: Faulty) -> AsyncIterator[list[Limits]]:
    """Yield the limits of two processes that are connected to Redis through the proxy."""
    async with AsyncExitStack() as stack:
        built = []
        for _ in range(2):
            client = connect(proxy.url(server.url))
            stack.push_async_callback(close, client)
            limits = Limits.build(client)
            stack.push_async_callback(limits.close)
            assert (await admit(limits, new_tenant_id(), LIMIT, READ)).allowed
            built.append(limits)
        yield built
        proxy.heal()


async def count_admitted(limits: Limits, tenant: TenantId, times: int) -> int:
    verdicts = await asyncio.gather(*(admit(limits, tenant, LIMIT, READ) for _ in range(times)))
    return sum(verdict.allowed for verdict in verdicts)


async def counted(direct: Redis, tenant: TenantId) -> Mapping[str, int]:
    """Return a tenant's tokens in Redis: spent and lent."""
    values = [value for value in await direct.hvals(f"insula:rates:{{{tenant}}}:requests") if isinstance(value, bytes)]
    loans = [value.split() for value in values if b" " in value]
    return {"spent": sum(int(value) for value in values if b" " not in value), "lent": sum(int(n) for _, n in loans)}


async def until_available(limits: Limits, health: Health | None = None) -> None:
    await until(lambda: not limits.away)
    if health is not None:

        async def has_health() -> bool:
            return await limits.check_redis() is health

        await until(has_health, 20)


@pytest.mark.parametrize("milliseconds", [5, 20, 100, 300])
async def test_late_redis_never_refuses_a_tenant_within_its_limit(
    processes: list[Limits], proxy: Faulty, milliseconds: int
) -> None:
    first, second = processes
    tenant = new_tenant_id()
    proxy.strike(Fault.DELAY, seconds=milliseconds / 1000)

    admitted = [await count_admitted(limits, tenant, PART) for limits in (first, second, first)]

    assert admitted == [PART] * 3
    await until_available(first)
    await until_available(second)
    assert await count_admitted(first, tenant, 2 * LIMIT) <= LIMIT, "a local count admits the limit and no more"


async def test_loans_that_timed_out_are_returned(processes: list[Limits], proxy: Faulty, direct: Redis) -> None:
    limits, _ = processes
    tenants = [new_tenant_id() for _ in range(10)]
    proxy.strike(Fault.DELAY, seconds=0.1)
    assert await asyncio.gather(*(count_admitted(limits, tenant, PART) for tenant in tenants)) == [PART] * 10
    assert await asyncio.gather(*(count_admitted(limits, tenant, PART) for tenant in tenants)) == [PART] * 10
    proxy.heal()
    await until_available(limits)

    assert await asyncio.gather(*(count_admitted(limits, tenant, PART) for tenant in tenants)) == [PART] * 10

    await limits.close()
    for tenant in tenants:
        found = await counted(direct, tenant)
        assert found["lent"] == 0, "nothing stays debited"
        assert found["spent"] <= 3 * PART, "nothing is charged twice"


async def test_a_loan_whose_answer_is_lost_is_returned(processes: list[Limits], proxy: Faulty, direct: Redis) -> None:
    limits, _ = processes
    tenant = new_tenant_id()
    proxy.strike(Fault.DELAY, seconds=0.3)
    assert await count_admitted(limits, tenant, PART) == PART

    async def debited() -> bool:
        return (await counted(direct, tenant))["lent"] > 0

    await until(debited)
    proxy.strike(Fault.RESET)  # before the answer arrives
    proxy.heal()

    async def free() -> bool:
        return await counted(direct, tenant) == {"spent": 0, "lent": 0}

    await until(free)
    assert await count_admitted(limits, tenant, LIMIT - PART) == LIMIT - PART


async def test_slow_redis_is_reported_once_and_still_used(
    processes: list[Limits], proxy: Faulty, direct: Redis, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "_SLOW_PAUSE", 0.05)
    limits, _ = processes
    proxy.strike(Fault.DELAY, seconds=0.1)
    with capture_logs() as logs:
        await count_admitted(limits, new_tenant_id(), 1)
        await until_available(limits, Health.SLOW)
        tenants = [new_tenant_id() for _ in range(5)]
        for tenant in tenants:
            assert await count_admitted(limits, tenant, 2 * LIMIT) == LIMIT
    assert [entry["event"] for entry in logs] == ["redis unavailable", "redis available again"]
    assert all([sum((await counted(direct, tenant)).values()) == LIMIT for tenant in tenants])
    found = await ReadinessCheck().run(replace(live.kernel, limits=limits, lag=LagMeter()))
    assert (found.status, found.checks["redis"]) == ("ready", "slow")

    proxy.heal()
    await until_available(limits, Health.OK)


async def test_a_loan_does_not_wait_for_the_answer_to_the_previous_one(processes: list[Limits], proxy: Faulty) -> None:
    limits, _ = processes
    proxy.strike(Fault.DELAY, seconds=0.3)
    await count_admitted(limits, new_tenant_id(), 1)
    await until_available(limits, Health.SLOW)
    with capture_logs() as logs:
        tasks = []
        for _ in range(30):
            tasks.append(asyncio.create_task(count_admitted(limits, new_tenant_id(), 1)))
            await asyncio.sleep(0.03)  # the interval between requests
        assert await asyncio.gather(*tasks) == [1] * 30
    assert logs == [], "two answers one after another would take longer than Redis may"


async def test_dead_connections_do_not_keep_redis_unavailable(
    processes: list[Limits], proxy: Faulty, direct: Redis
) -> None:
    limits, _ = processes
    proxy.strike(Fault.SWALLOW, open_only=True)
    with capture_logs() as logs:
        await asyncio.gather(
            *(limits.acquire_permit(new_tenant_id(), 1) for _ in range(20)), count_admitted(limits, new_tenant_id(), 5)
        )
        async with asyncio.timeout(2):
            await until_available(limits)
        tenant = new_tenant_id()
        assert await count_admitted(limits, tenant, 2 * LIMIT) == LIMIT
    assert sum((await counted(direct, tenant)).values()) == LIMIT
    assert [entry["event"] for entry in logs] == ["redis unavailable", "redis available again"]


async def test_a_permit_released_while_redis_is_away_is_free_when_it_returns(
    processes: list[Limits], proxy: Faulty, direct: Redis
) -> None:
    holder, other = processes
    tenant = new_tenant_id()
    permit = await holder.acquire_permit(tenant, 1)
    assert permit is not None
    assert await other.acquire_permit(tenant, 1) is None
    proxy.strike(Fault.REFUSE)
    permit.release()
    await until(lambda: holder.away)
    proxy.heal()

    async def free() -> bool:
        return not await direct.exists(f"insula:slots:{{{tenant}}}:exports")

    await until(free, 5)  # it would expire after 20
    await until_available(other)
    assert await other.acquire_permit(tenant, 1) is not None


@pytest.mark.parametrize(
    ("refuse", "allow"),
    [("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"), ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0")],
    ids=["replica", "memory full"],
)
async def test_redis_that_refuses_writes_is_degraded_and_stays_so(
    processes: list[Limits], server: ValkeyServer, live: Live, refuse: str, allow: str
) -> None:
    limits, other = processes
    kernel = replace(live.kernel, limits=limits, lag=LagMeter())
    assert (await ReadinessCheck().run(kernel)).status == "ready"
    server.send(refuse)
    try:
        with capture_logs() as logs:
            assert await count_admitted(limits, tenant := new_tenant_id(), 2 * LIMIT) == LIMIT
            assert await limits.acquire_permit(tenant, 1) is not None
            found = await ReadinessCheck().run(kernel)
            assert (found.status, found.checks["redis"]) == ("degraded", "refuses writes")
            assert await other.check_redis() is Health.REFUSING, "found without a request"
            watched = [await _health_later(limits) for _ in range(3)]
    finally:
        server.send(allow)
    assert watched == [Health.REFUSING] * 3
    assert [entry["event"] for entry in logs] == ["redis unavailable"] * 2, "once for each process"
    await until_available(limits, Health.OK)
    assert (await ReadinessCheck().run(kernel)).status == "ready"


async def _health_later(limits: Limits) -> Health:
    """Return the health after one more probe."""
    await asyncio.sleep(0.3)  # longer than the pause between two probes
    return await limits.check_redis()
