"""Clients that read too slowly are cut off, although systems acknowledge bytes in large steps."""

from collections.abc import Sequence

import pytest

from insula.http.server.read_budget import ReadBudget

RATE, TIMEOUT, CHECK = 256, 60, 2.5  # as by default
KB = 1024


def cut_after(acknowledged: Sequence[tuple[float, int]], until: float) -> float | None:
    """Return when a client is cut off whose system acknowledges so many bytes at these times."""
    budget, now = ReadBudget(RATE, TIMEOUT), 0.0
    while now < until:
        now += CHECK
        if not budget.spend(CHECK, sum(count for at, count in acknowledged if at <= now)):
            return now
    return None


def steadily(rate: float, step: int, until: float) -> list[tuple[float, int]]:
    """Return acknowledgements at ``rate``, in steps of so many bytes."""
    return [(number * step / rate, step) for number in range(int(until * rate / step) + 1)]


@pytest.mark.parametrize("step", [KB, 6 * KB, 64 * KB])
def test_a_client_that_reads_above_the_lowest_rate_is_never_cut_off(step: int) -> None:
    assert cut_after(steadily(KB, step, 3_600), 3_600) is None


def test_a_client_that_reads_a_kilobyte_a_second_over_loopback_is_never_cut_off() -> None:
    measured = [(1.0, 128_512), (64.0, 66_560), *((192.0 + 93.5 * number, 95_232) for number in range(20))]
    assert cut_after(measured, 2_000) is None


def test_a_client_that_reads_below_the_lowest_rate_is_cut_off() -> None:
    found = cut_after(steadily(RATE / 2, 128, 3_600), 3_600)
    assert found is not None
    assert 2 * TIMEOUT <= found <= 2 * TIMEOUT + 2 * CHECK


def test_a_client_that_reads_nothing_is_cut_off_after_the_timeout_and_one_that_read_much_after_four() -> None:
    assert cut_after([], 600) == TIMEOUT
    found = cut_after([(1.0, 50_000_000)], 600)
    assert found is not None
    assert found <= 4 * TIMEOUT + CHECK
