from collections.abc import Callable
from datetime import timedelta

from redis.asyncio import Redis

from insula.core import clock
from insula.core.ids import new_id
from insula.limits import Limits
from insula.limits.mails import HOUR

Worker = Callable[[], Limits]


def address() -> str:
    return f"{new_id().hex}@example.com"


async def attempts(limits: Limits, key: str, times: int) -> list[bool]:
    return [(await limits.admit_exactly(key, 5)).allowed for _ in range(times)]


async def test_attempts_are_counted_one_by_one_over_all_processes(worker: Worker) -> None:
    first, second, key = worker(), worker(), address()

    assert await attempts(first, key, 3) == [True] * 3
    assert await attempts(second, key, 3) == [True, True, False]
    assert await attempts(first, key, 1) == [False]
    assert await attempts(first, address(), 1) == [True]


async def test_a_refusal_has_retry_after(worker: Worker) -> None:
    limits, key = worker(), address()
    await attempts(limits, key, 5)

    verdict = await limits.admit_exactly(key, 5)

    assert verdict.headers()["RateLimit-Policy"] == '"auth";q=5;w=60'
    assert 0 < int(verdict.headers()["Retry-After"]) <= 61


async def test_redis_stores_only_a_hash_of_the_account(worker: Worker, redis: Redis) -> None:
    limits, key = worker(), address()
    before = set(await redis.keys("*exact*"))

    await attempts(limits, key, 1)

    added = set(await redis.keys("*exact*")) - before
    assert len(added) == 1
    assert not [name for name in await redis.keys("*") if key.split("@")[0].encode() in name]


async def test_without_redis_a_stricter_local_count_holds() -> None:
    limits, key = Limits.build(None), address()

    assert await attempts(limits, key, 3) == [True, True, False]
    assert await attempts(limits, address(), 1) == [True]


async def test_a_count_lasts_as_long_as_its_window(worker: Worker) -> None:
    limits, key = worker(), address()
    passed = [(await limits.admit_exactly(key, 5, HOUR)).allowed for _ in range(6)]

    verdict = await limits.admit_exactly(key, 5, HOUR)

    assert passed == [True] * 5 + [False]
    assert verdict.headers()["RateLimit-Policy"] == f'"auth";q=5;w={HOUR}'
    assert HOUR - 60 <= verdict.retry_after <= HOUR + 60


async def test_without_redis_a_count_lasts_as_long_as_its_window() -> None:
    limits, key = Limits.build(None), address()
    assert [(await limits.admit_exactly(key, 5, HOUR)).allowed for _ in range(3)] == [True, True, False]

    for later, allowed in ((timedelta(minutes=58), False), (timedelta(minutes=61, seconds=1), True)):
        with clock.moved(later):
            assert (await limits.admit_exactly(key, 5, HOUR)).allowed == allowed
