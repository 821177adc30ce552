"""A tenant far over its limit takes nothing from other tenants, nor does a process from other processes."""

import asyncio
from collections import Counter
from collections.abc import Callable

from redis.asyncio import Redis

from insula.core.ids import TenantId, new_id, new_tenant_id
from insula.limits import KeyRate, LimitClass, Limits
from insula.limits.rates.ledger import WINDOW
from tests.limits.installation import READ, WORKERS, installation
from tests.limits.server import ValkeyServer
from tests.support.limits import admit

LIMIT = 60
TIMES = 20
NEIGHBOURS = 10
Worker = Callable[[], Limits]


async def count(limits: Limits, tenant: TenantId, times: int, limit_class: LimitClass = READ) -> int:
    verdicts = await asyncio.gather(*(admit(limits, tenant, LIMIT, limit_class) for _ in range(times)))
    return sum(verdict.allowed for verdict in verdicts)


async def test_neighbours_of_a_tenant_at_twenty_times_its_limit_get_their_whole_limit(
    worker: Worker, redis: Redis
) -> None:
    processes, hot = [worker() for _ in range(WORKERS)], new_tenant_id()
    neighbours = [new_tenant_id() for _ in range(NEIGHBOURS)]
    await redis.config_resetstat()

    flood = [count(limits, hot, TIMES * LIMIT // WORKERS) for limits in processes]
    calm = [count(processes[number % WORKERS], tenant, LIMIT) for number, tenant in enumerate(neighbours)]
    admitted = await asyncio.gather(*flood, *calm)

    assert sum(admitted[:WORKERS]) == LIMIT
    assert admitted[WORKERS:] == [LIMIT] * NEIGHBOURS
    statistics = await redis.info("commandstats")
    script_calls = statistics["cmdstat_evalsha"]["calls"] + statistics.get("cmdstat_eval", {"calls": 0})["calls"]
    assert script_calls <= 4 * (WORKERS + NEIGHBOURS)


async def test_a_held_lease_admits_requests_during_a_flood_without_redis(worker: Worker, redis: Redis) -> None:
    limits, hot, calm = worker(), new_tenant_id(), new_tenant_id()
    assert (await admit(limits, calm, 6_000, READ)).allowed
    assert await count(limits, hot, LIMIT + 1) == LIMIT
    await redis.config_resetstat()

    for _ in range(40):
        assert await count(limits, hot, TIMES) == 0
        assert (await admit(limits, calm, 6_000, READ)).allowed

    assert (await redis.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"] <= 2


async def test_a_key_at_twenty_times_its_rate_takes_nothing_from_other_keys(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    noisy, calm = KeyRate(new_id(), 15), KeyRate(new_id(), 15)

    async def admitted(key: KeyRate | None, times: int) -> int:
        verdicts = await asyncio.gather(*(admit(limits, tenant, LIMIT, READ, key=key) for _ in range(times)))
        return sum(verdict.allowed for verdict in verdicts)

    found = await asyncio.gather(admitted(noisy, TIMES * 15), admitted(calm, 15), admitted(None, 30))
    assert list(found) == [15, 15, 30]


def test_under_steady_overload_every_process_admits_requests(server: ValkeyServer) -> None:
    async def scenario() -> None:
        async with installation(server.url) as shared:
            for _ in range(4 * WINDOW):
                await shared.wait(1)
                await asyncio.gather(*(shared.request(worker, TIMES, LIMIT) for worker in range(WORKERS)))
            by_worker = Counter(one.worker for one in shared.admitted)
            assert shared.busiest_window() <= LIMIT
            assert min(by_worker.values()) >= len(shared.admitted) / WORKERS / 2, by_worker

    asyncio.run(scenario())
