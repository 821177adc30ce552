"""Properties of the limits with many processes and a moving clock, on a real server, for any order of requests."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from insula.core.ids import new_id
from insula.limits.rates.leases import largest_lease
from insula.limits.rates.ledger import NOTHING_LENT, WINDOW, Debit, Loan, LoanReply
from insula.limits.rates.local import Entry
from insula.limits.rates.remote import RemoteLedger
from tests.limits.installation import WORKERS, installation
from tests.limits.server import ValkeyServer

PROPERTY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

edges = st.sampled_from([0.2, 9.9, 10.0, 49.2, 59.2, 60.0, 61.0])
seconds = st.one_of(st.floats(min_value=0, max_value=45, allow_nan=False), edges)
steps = st.lists(st.tuples(seconds, st.integers(0, WORKERS - 1), st.integers(1, 80)), min_size=1, max_size=25)
limit_values = st.sampled_from([1, 7, 60, 200])


@PROPERTY
@given(steps=steps, limit=limit_values)
def test_no_window_admits_more_than_the_limit(
    server: ValkeyServer, steps: Sequence[tuple[float, int, int]], limit: int
) -> None:
    async def scenario() -> None:
        async with installation(server.url) as shared:
            for pause, worker, times in steps:
                await shared.wait(pause)
                await shared.request(worker, times, limit)
            assert shared.admitted
            assert shared.busiest_window() <= limit

    asyncio.run(scenario())


@PROPERTY
@given(asks=st.lists(st.tuples(st.integers(0, WORKERS - 1), st.integers(1, 30)), max_size=20), limit=limit_values)
def test_a_process_gets_the_limit_minus_the_leases_of_others(
    server: ValkeyServer, asks: Sequence[tuple[int, int]], limit: int
) -> None:
    async def scenario() -> None:
        async with installation(server.url) as shared:
            for worker, times in asks:
                await shared.request(worker, times, limit)
            await shared.request(0, limit, limit)
            assert limit - (WORKERS - 1) * largest_lease(limit) <= len(shared.admitted) <= limit

    asyncio.run(scenario())


@PROPERTY
@example(edge=59.5, limit=60)
@given(edge=st.floats(min_value=0.5, max_value=59.99), limit=limit_values)
def test_a_minute_boundary_allows_no_second_burst(server: ValkeyServer, edge: float, limit: int) -> None:
    async def scenario() -> None:
        async with installation(server.url) as shared:
            assert await shared.request(0, limit + 1, limit) == limit
            await shared.wait(edge)
            assert await shared.request(1, limit + 1, limit) == 0
            await shared.wait(WINDOW + 1 - edge)
            assert await shared.request(1, limit + 1, limit) == limit

    asyncio.run(scenario())


@pytest.mark.parametrize(("limit", "lease"), [(1, 1), (60, 3), (6_000, 300)])
def test_a_lease_is_a_small_part_of_the_limit(limit: int, lease: int) -> None:
    assert largest_lease(limit) == lease


def test_a_token_counts_from_the_time_it_was_spent_at(server: ValkeyServer) -> None:
    limit = 200

    async def scenario() -> None:
        async with installation(server.url) as shared:
            await shared.request(0, 11, limit)
            await shared.request(1, limit, limit)
            await shared.wait(9)
            assert await shared.request(0, limit, limit) > 0
            await shared.wait(WINDOW - 8)
            assert await shared.request(1, limit, limit) > 0
            assert shared.busiest_window() <= limit

    asyncio.run(scenario())


def test_steady_overload_is_served_at_the_limit(server: ValkeyServer) -> None:
    minutes, limit = 5, 60

    async def scenario() -> None:
        async with installation(server.url) as shared:
            for second in range(minutes * WINDOW):
                await shared.wait(1)
                await shared.request(second % WORKERS, 20, limit)
            assert shared.busiest_window() <= limit
            assert len(shared.admitted) >= 0.9 * minutes * limit

    asyncio.run(scenario())


loans = st.lists(
    st.tuples(
        seconds, st.integers(0, 60), st.integers(1, 5), st.integers(1, 20), st.sampled_from([0, 10]), st.floats(0, 1)
    ),
    min_size=1,
    max_size=20,
)


@PROPERTY
@given(loans=loans)
def test_the_local_ledger_behaves_like_the_shared_one(
    server: ValkeyServer, loans: Sequence[tuple[float, int, int, int, int, float]]
) -> None:
    async def scenario() -> None:
        async with installation(server.url) as shared:
            remote, local, key = RemoteLedger(shared.proxied, shared.prelude), Entry(), str(new_id())
            there, here = NOTHING_LENT, NOTHING_LENT
            for pause, limit, need, wish, lasts, part in loans:
                await shared.wait(pause)
                loan = Loan(str(new_id()), key, limit, need, wish, lasts)
                theirs = await remote.lend(loan._replace(settles=there))
                ours = local.lend(loan._replace(settles=here), shared.now)
                assert (ours.tokens, ours.left) == (theirs.tokens, theirs.left)
                assert ours.wait == pytest.approx(theirs.wait, abs=0.002)
                there, here = debit(loan, theirs, part), debit(loan, ours, part)

    asyncio.run(scenario())


def debit(loan: Loan, grant: LoanReply, part: float) -> Debit:
    return Debit(loan.id, int(grant.tokens * part), grant.shared)
