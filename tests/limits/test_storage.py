import pytest
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from insula.limits.rates.storage import LEASES, Lease, LeasedStorage

SIXTY = RateLimitItemPerMinute(60)
KEY = SIXTY.key_for("tenant")


def lease(tokens: int, left: int = 0) -> Lease:
    return Lease(
        limit=60,
        lent=tokens,
        tokens=tokens,
        left=left,
        starts=0,
        ends=10,
        frees_at=70,
        loan="one",
        shared=True,
        renew_at=8,
        low=0,
    )


@pytest.fixture
def storage() -> LeasedStorage:
    return LeasedStorage()


def test_the_limits_library_finds_the_storage_by_its_scheme() -> None:
    assert isinstance(storage_from_string("leased://"), LeasedStorage)


@pytest.mark.parametrize("strategy", [MovingWindowRateLimiter, FixedWindowRateLimiter])
def test_a_strategy_spends_the_lease_and_no_more(
    storage: LeasedStorage, strategy: type[MovingWindowRateLimiter | FixedWindowRateLimiter]
) -> None:
    limiter = strategy(storage)
    storage.put(KEY, lease(tokens=3))

    assert [limiter.hit(SIXTY, "tenant") for _ in range(4)] == [True, True, True, False]
    assert not limiter.hit(SIXTY, "another")


def test_a_cost_above_the_lease_spends_nothing(storage: LeasedStorage) -> None:
    limiter = MovingWindowRateLimiter(storage)
    storage.put(KEY, lease(tokens=3))

    assert not limiter.hit(SIXTY, "tenant", cost=4)
    assert limiter.hit(SIXTY, "tenant", cost=3)


def test_window_stats_show_the_rest_of_the_shared_limit(storage: LeasedStorage) -> None:
    limiter = MovingWindowRateLimiter(storage)
    storage.put(KEY, lease(tokens=3, left=20))

    assert limiter.get_window_stats(SIXTY, "tenant") == (70, 23)
    assert limiter.test(SIXTY, "tenant")
    assert limiter.get_window_stats(SIXTY, "another").remaining == 60


def test_dropped_leases_admit_nothing(storage: LeasedStorage) -> None:
    limiter = MovingWindowRateLimiter(storage)
    storage.put(KEY, lease(tokens=3))
    assert limiter.hit(SIXTY, "tenant")

    limiter.clear(SIXTY, "tenant")
    assert not limiter.hit(SIXTY, "tenant")

    storage.put(KEY, lease(tokens=3))
    assert storage.check()
    assert storage.reset() == 1
    assert not limiter.hit(SIXTY, "tenant")


def test_the_least_recently_renewed_lease_is_evicted(storage: LeasedStorage) -> None:
    for number in range(LEASES):
        storage.put(str(number), lease(tokens=1))
    storage.put("0", lease(tokens=1))

    storage.put("one more", lease(tokens=1))

    assert storage.held("1") is None
    assert storage.held("0") is not None
    assert storage.reset() == LEASES
