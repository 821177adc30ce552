import asyncio
from collections.abc import Callable
from datetime import timedelta

from redis.asyncio import Redis

from insula.core import clock
from insula.core.ids import TenantId, new_id, new_tenant_id
from insula.limits import KeyRate, LimitClass, Limits, Verdict
from tests.support.limits import admit

READ = LimitClass.READ
Worker = Callable[[], Limits]


async def verdicts_of(limits: Limits, tenant: TenantId, times: int, per_minute: int = 60) -> list[Verdict]:
    return [await admit(limits, tenant, per_minute, READ) for _ in range(times)]


def admitted(verdicts: list[Verdict]) -> int:
    return sum(verdict.allowed for verdict in verdicts)


async def test_exactly_the_limit_is_admitted(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()

    verdicts = await verdicts_of(limits, tenant, 61)

    assert [verdict.allowed for verdict in verdicts] == [True] * 60 + [False]
    assert [verdict.remaining for verdict in verdicts] == [*range(59, -1, -1), 0]
    assert 0 < verdicts[-1].retry_after <= 61
    assert (await admit(limits, new_tenant_id(), 60, READ)).allowed


async def test_two_processes_share_one_limit(worker: Worker) -> None:
    first, second, tenant = worker(), worker(), new_tenant_id()

    counts = [admitted(await verdicts_of(limits, tenant, 10)) for limits in [first, second] * 10]

    assert sum(counts) == 60
    assert min(counts[:4]) == 10


async def test_a_burst_that_waits_for_one_lease_is_counted_exactly(worker: Worker, redis: Redis) -> None:
    limits, tenant = worker(), new_tenant_id()
    await admit(limits, new_tenant_id(), 60, READ)
    await redis.config_resetstat()

    verdicts = await asyncio.gather(*(admit(limits, tenant, 60, READ) for _ in range(500)))

    assert admitted(verdicts) == 60
    calls = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert calls <= 3


async def test_a_held_lease_needs_no_request_to_redis(worker: Worker, redis: Redis) -> None:
    limits, tenant = worker(), new_tenant_id()
    await redis.config_resetstat()

    assert admitted(await verdicts_of(limits, tenant, 5_000, per_minute=10_000)) == 5_000

    calls = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert calls < 5_000 / 200


async def test_a_tenant_far_over_its_limit_hardly_reaches_redis(worker: Worker, redis: Redis) -> None:
    limits, tenant = worker(), new_tenant_id()
    assert admitted(await verdicts_of(limits, tenant, 60)) == 60
    await redis.config_resetstat()

    with clock.moved(timedelta(seconds=2)):
        assert admitted(await verdicts_of(limits, tenant, 20 * 60)) == 0

    calls = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert calls <= 3
    assert (await admit(limits, new_tenant_id(), 60, READ)).allowed


async def test_a_higher_plan_counts_at_once_and_keeps_the_used_requests(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    assert not (await verdicts_of(limits, tenant, 61))[-1].allowed

    assert admitted(await verdicts_of(limits, tenant, 200, per_minute=100)) == 40


async def test_a_lower_plan_counts_at_once(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    assert admitted(await verdicts_of(limits, tenant, 50, per_minute=6_000)) == 50

    assert admitted(await verdicts_of(limits, tenant, 50, per_minute=60)) == 10


async def test_a_plan_that_grants_nothing_admits_nothing(worker: Worker) -> None:
    limits = worker()

    verdict = await admit(limits, new_tenant_id(), 0, READ)

    assert not verdict.allowed
    assert verdict.retry_after == 60


async def test_unspent_tokens_are_returned(worker: Worker) -> None:
    idle, busy, tenant = worker(), worker(), new_tenant_id()
    assert admitted(await verdicts_of(idle, tenant, 8)) == 8
    assert admitted(await verdicts_of(busy, tenant, 60)) >= 60 - 8 - 3

    with clock.moved(timedelta(seconds=11)):
        later = admitted(await verdicts_of(idle, tenant, 60))

    assert later > 0


async def test_a_request_cancelled_while_waiting_spends_no_token(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    waiting = [asyncio.create_task(admit(limits, tenant, 60, READ)) for _ in range(10)]
    await asyncio.sleep(0)
    for task in waiting[:9]:
        task.cancel()

    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True] * 9 + [False]
    assert admitted(await verdicts_of(limits, tenant, 60)) == 59


async def test_a_lease_spent_before_its_waiters_wake_is_fetched_again() -> None:
    limits, tenant = Limits.build(None), new_tenant_id()
    starts = [asyncio.create_task(asyncio.sleep(0)) for _ in range(3)]

    async def after(turns: int) -> bool:
        for _ in range(turns):
            await asyncio.sleep(0)
        return (await admit(limits, tenant, 60, READ)).allowed

    async with asyncio.timeout(10):
        allowed = await asyncio.gather(*(after(turns) for turns in range(12) for _ in range(4)), *starts)

    assert allowed[:48] == [True] * 48


async def test_keys_name_the_tenant_share_its_slot_and_expire(worker: Worker, redis: Redis) -> None:
    limits, tenant, key_id = worker(), new_tenant_id(), new_id()
    await admit(limits, tenant, 60, READ, key=KeyRate(key_id, 5))
    await admit(limits, tenant, 60, LimitClass.EXPORT)

    keys = sorted(await redis.keys(f"*{tenant}*"))

    names = ("exports", f"key:{key_id}", "requests")
    assert keys == [f"insula:rates:{{{tenant}}}:{name}".encode() for name in names]
    assert all([0 < await redis.ttl(key) <= 122 for key in keys])


async def test_without_redis_the_process_counts_locally() -> None:
    limits, tenant = Limits.build(None), new_tenant_id()

    assert limits.away
    assert admitted(await verdicts_of(limits, tenant, 100)) == 60
    assert (await admit(limits, new_tenant_id(), 60, READ)).allowed
