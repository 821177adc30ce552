"""Limit classes and API keys: each has a part of the tenant's rate and cannot exceed it."""

from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from insula.core.ids import TenantId, new_id, new_tenant_id
from insula.limits import KeyRate, LimitClass, Limits
from insula.limits.rates.classes import ceiling_of
from tests.support.limits import admit

READ, WRITE, EXPORT = LimitClass.READ, LimitClass.WRITE, LimitClass.EXPORT
Worker = Callable[[], Limits]


@pytest.mark.parametrize(
    ("per_minute", "limit_class", "granted", "expected"),
    [
        (6_000, READ, None, None),
        (6_000, LimitClass.AUTH, None, None),
        (6_000, WRITE, None, 3_000),
        (6_000, EXPORT, None, 300),
        (60, EXPORT, None, 3),
        (1, EXPORT, None, 1),
        (0, EXPORT, None, 0),
        (-5, WRITE, None, 0),
        (60, WRITE, 10, 10),
        (60, WRITE, 0, 0),
        (60, WRITE, 600, 60),
    ],
)
def test_the_ceiling_of_a_class_is_granted_or_a_part_of_the_rate_and_never_above_it(
    per_minute: int, limit_class: LimitClass, granted: int | None, expected: int | None
) -> None:
    assert ceiling_of(per_minute, limit_class, granted) == expected


async def count(
    limits: Limits, tenant: TenantId, times: int, limit_class: LimitClass = READ, key: KeyRate | None = None
) -> int:
    verdicts = [await admit(limits, tenant, 60, limit_class, key=key) for _ in range(times)]
    return sum(verdict.allowed for verdict in verdicts)


async def test_reads_and_writes_share_the_whole_rate(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()

    assert await count(limits, tenant, 40) == 40
    assert await count(limits, tenant, 40, WRITE) == 20
    assert await count(limits, tenant, 1) == 0


async def test_writes_stop_at_their_ceiling_and_leave_the_rest_to_reads(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()

    assert await count(limits, tenant, 100, WRITE) == 30
    assert await count(limits, tenant, 100) == 30


async def test_a_refused_write_costs_no_read(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    assert await count(limits, tenant, 31, WRITE) == 30

    refused = await admit(limits, tenant, 60, WRITE)

    assert refused.headers()["RateLimit"].startswith('"writes";r=0')
    assert (await admit(limits, tenant, 60, READ)).remaining == 29


async def test_the_ceilings_hold_over_all_processes(worker: Worker) -> None:
    first, second, tenant = worker(), worker(), new_tenant_id()

    counts = [await count(limits, tenant, 5, WRITE) for limits in [first, second] * 10]
    reads = await count(first, tenant, 100) + await count(second, tenant, 100)

    assert sum(counts) == 30
    assert 30 - 2 * 3 <= reads <= 30


async def test_a_key_stops_at_its_own_rate_and_leaves_the_rest_to_others(worker: Worker) -> None:
    limits, tenant, key = worker(), new_tenant_id(), KeyRate(new_id(), 10)

    assert await count(limits, tenant, 20, key=key) == 10
    refused = await admit(limits, tenant, 60, READ, key=key)
    assert refused.headers()["RateLimit"].startswith('"key";r=0')
    assert await count(limits, tenant, 20, key=KeyRate(new_id(), 10)) == 10
    assert await count(limits, tenant, 100) == 40


async def test_a_key_gets_no_more_than_its_tenant_has(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    assert await count(limits, tenant, 55) == 55

    assert await count(limits, tenant, 20, key=KeyRate(new_id(), 600)) == 5
    assert await count(limits, new_tenant_id(), 20, key=KeyRate(new_id(), 600)) == 20


async def test_the_headers_name_each_policy_that_applies(worker: Worker) -> None:
    verdict = await admit(worker(), new_tenant_id(), 60, WRITE, 20, KeyRate(new_id(), 10))

    headers = verdict.headers()
    assert headers["RateLimit-Policy"] == '"requests";q=60;w=60, "writes";q=20;w=60, "key";q=10;w=60'
    names = [item.partition(";t=")[0] for item in headers["RateLimit"].split(", ")]
    assert names == ['"requests";r=59', '"writes";r=19', '"key";r=9']


async def test_missing_leases_are_requested_in_one_message(worker: Worker, redis: Redis) -> None:
    limits, tenant, key = worker(), new_tenant_id(), KeyRate(new_id(), 5_000)
    await admit(limits, new_tenant_id(), 60, READ)
    await redis.config_resetstat()

    verdict = await admit(limits, tenant, 10_000, WRITE, key=key)

    assert verdict.allowed
    statistics = await redis.info("commandstats")
    assert statistics["cmdstat_evalsha"]["calls"] == 3
    assert (await redis.info("stats"))["total_reads_processed"] <= 4


async def test_held_leases_need_few_requests_to_redis(worker: Worker, redis: Redis) -> None:
    limits, tenant, key = worker(), new_tenant_id(), KeyRate(new_id(), 8_000)
    await redis.config_resetstat()

    for _ in range(3_000):
        assert (await admit(limits, tenant, 10_000, WRITE, key=key)).allowed

    calls = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert calls < 3 * 3_000 / 100


async def test_an_export_given_back_still_counts_as_a_request(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    assert await count(limits, tenant, 2, EXPORT) == 2

    limits.give_back(tenant, EXPORT)

    assert await count(limits, tenant, 5, EXPORT) == 2
    assert await count(limits, tenant, 100) == 60 - 4


async def test_only_spent_tokens_are_given_back(worker: Worker) -> None:
    limits, tenant = worker(), new_tenant_id()
    for _ in range(5):
        limits.give_back(tenant, EXPORT)
    assert await count(limits, tenant, 1, EXPORT) == 1
    for _ in range(5):
        limits.give_back(tenant, EXPORT)

    assert await count(limits, tenant, 9, EXPORT) == 3
