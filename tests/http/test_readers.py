"""The patience with a reader: progress in the steps that systems take, down to the floor."""

from collections.abc import Sequence

import pytest

from insula.http.server.readers import Reading

RATE, PATIENCE, LOOK = 256, 60, 2.5  # as by default
KB = 1024


def cut_after(taken: Sequence[tuple[float, int]], until: float) -> float | None:
    """Return when a client is cut off that takes ``taken``: at a time, so many bytes."""
    reading, now = Reading(RATE, PATIENCE), 0.0
    while now < until:
        now += LOOK
        if not reading.goes_on(sum(count for at, count in taken if at <= now), LOOK):
            return now
    return None


def steadily(rate: float, step: int, until: float) -> list[tuple[float, int]]:
    """Return what is taken at ``rate``, in steps of so many bytes."""
    return [(number * step / rate, step) for number in range(int(until * rate / step) + 1)]


@pytest.mark.parametrize("step", [KB, 6 * KB, 64 * KB])
def test_a_steady_reader_above_the_floor_is_never_cut_off(step: int) -> None:
    assert cut_after(steadily(KB, step, 3_600), 3_600) is None


def test_what_linux_takes_over_loopback_at_a_kilobyte_a_second_is_progress() -> None:
    measured = [(1.0, 128_512), (64.0, 66_560), *((192.0 + 93.5 * number, 95_232) for number in range(20))]
    assert cut_after(measured, 2_000) is None


def test_a_reader_below_the_floor_is_cut_off_although_it_never_stops() -> None:
    found = cut_after(steadily(RATE / 2, 128, 3_600), 3_600)
    assert found is not None
    assert 2 * PATIENCE <= found <= 2 * PATIENCE + 2 * LOOK


def test_a_client_that_takes_nothing_is_cut_off_in_time_and_one_that_took_much_soon_after() -> None:
    assert cut_after([], 600) == PATIENCE
    found = cut_after([(1.0, 50_000_000)], 600)
    assert found is not None
    assert found <= 4 * PATIENCE + LOOK
