"""A lease in use is renewed before it ends: no request waits for it, and no token is counted twice or lost."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from insula.core import clock
from insula.core.ids import TenantId, new_tenant_id
from insula.limits import LimitClass, Limits
from insula.limits.rates import leases
from insula.limits.rates.leases import largest_lease
from tests.limits.installation import installation
from tests.limits.server import ValkeyServer
from tests.support.limits import admit
from tests.support.waiting import until

READ = LimitClass.READ
LIMIT = 600
Worker = Callable[[], Limits]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew each lease at once instead of collecting renewals."""
    monkeypatch.setattr(leases, "_GATHERING_SECONDS", 0)


async def spend(limits: Limits, tenant: TenantId, times: int) -> int:
    return sum([(await admit(limits, tenant, LIMIT, READ)).allowed for _ in range(times)])


async def spend_frozen(server: ValkeyServer, limits: Limits, tenant: TenantId, times: int) -> int:
    """Ask while Redis is frozen."""
    server.freeze()
    try:
        async with asyncio.timeout(2):
            return await spend(limits, tenant, times)
    finally:
        server.thaw()


async def loans(redis: Redis) -> int:
    return int((await redis.info("commandstats"))["cmdstat_evalsha"]["calls"])


async def test_a_lease_is_renewed_before_its_end_and_usable_meanwhile(
    worker: Worker, server: ValkeyServer, redis: Redis
) -> None:
    limits, tenant = worker(), new_tenant_id()
    await spend(limits, tenant, 1)
    lent = await loans(redis)

    with clock.moved(timedelta(seconds=7)):
        assert await spend_frozen(server, limits, tenant, 1) == 1
    with clock.moved(timedelta(seconds=9)):
        assert await loans(redis) == lent
        assert await spend_frozen(server, limits, tenant, 1) == 1
        await until(lambda: _more(redis, lent))
        assert await spend(limits, tenant, 1) == 1
    with clock.moved(timedelta(seconds=12)):
        assert await spend_frozen(server, limits, tenant, 1) == 1

    assert await spend(worker(), tenant, LIMIT) == LIMIT - 5 - (LIMIT // 100 - 2)


async def test_a_lease_that_runs_low_is_renewed_before_it_is_empty(
    worker: Worker, server: ValkeyServer, redis: Redis
) -> None:
    limits, tenant = worker(), new_tenant_id()
    await spend(limits, tenant, 5)
    lent = await loans(redis)

    assert await spend_frozen(server, limits, tenant, 1) == 1

    await until(lambda: _more(redis, lent))


async def _more(redis: Redis, than: int) -> bool:
    return await loans(redis) > than


@pytest.mark.parametrize("pause", [1, 2, 3, 7])
async def test_tokens_spent_during_a_renewal_are_counted(worker: Worker, pause: int) -> None:
    processes, tenant = [worker() for _ in range(3)], new_tenant_id()

    async def client(limits: Limits) -> int:
        count = 0
        for number in range(LIMIT):
            count += await spend(limits, tenant, 1)
            if number % pause == 0:
                await asyncio.sleep(0)
        return count

    admitted = sum(await asyncio.gather(*(client(limits) for limits in processes * 2)))

    assert LIMIT - 3 * largest_lease(LIMIT) <= admitted <= LIMIT


async def test_tokens_kept_during_a_renewal_stay_reserved_when_the_limit_is_spent(
    worker: Worker, server: ValkeyServer, redis: Redis
) -> None:
    limits, other, tenant = worker(), worker(), new_tenant_id()
    lease = LIMIT // 100
    assert await spend(limits, tenant, 1) == 1
    assert await spend(other, tenant, LIMIT) == LIMIT - lease
    lent = await loans(redis)

    with clock.moved(timedelta(seconds=9)):
        assert await spend_frozen(server, limits, tenant, 1) == 1
        for _ in range(5):
            await asyncio.sleep(0)  # the remaining tokens are requested again
        assert await spend(limits, tenant, lease - 2) == lease - 2
        await until(lambda: _more(redis, lent))
        assert await spend(limits, tenant, LIMIT) == 0


async def test_a_renewal_returns_the_unused_tokens_of_a_burst(server: ValkeyServer) -> None:
    async with installation(server.url) as shared:
        burst, other = shared.workers[:2]
        requests = [admit(burst, shared.tenant, 100, LimitClass.EXPORT) for _ in range(90)]
        assert sum(verdict.allowed for verdict in await asyncio.gather(*requests)) == 5

        refused = []
        for second in range(70):
            await shared.wait(1)
            worker = second % 2
            if not await shared.request(worker, 1, 100):
                refused.append(second)
        assert refused == []
        assert (await admit(other, shared.tenant, 100, READ)).allowed


async def test_closing_stops_renewals_and_returns_unspent_tokens(worker: Worker, redis: Redis) -> None:
    limits, tenant = worker(), new_tenant_id()
    assert await spend(limits, tenant, 6) == 6  # it runs low
    await limits.close()
    lent = await loans(redis)

    for _ in range(10):
        await asyncio.sleep(0)

    assert await loans(redis) == lent
    assert await spend(worker(), tenant, LIMIT) == LIMIT - 6
