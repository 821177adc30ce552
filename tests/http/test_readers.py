"""A slow reader is served while it takes at least the minimum rate, in the steps in which systems read."""

from collections.abc import Sequence

import pytest

from insula.http.server.readers import Reading

RATE, PATIENCE, LOOK = 256, 60, 2.5  # as by default
KB = 1024


def disconnected_after(taken: Sequence[tuple[float, int]], until: float) -> float | None:
    """Return when a client is disconnected that reads as in ``taken``: pairs of a time and a number of bytes."""
    reading, now = Reading(RATE, PATIENCE), 0.0
    while now < until:
        now += LOOK
        if not reading.goes_on(sum(count for at, count in taken if at <= now), LOOK):
            return now
    return None


def steadily(rate: float, step: int, until: float) -> list[tuple[float, int]]:
    """Return the reads of a client that takes ``rate`` bytes a second in steps of ``step``."""
    return [(number * step / rate, step) for number in range(int(until * rate / step) + 1)]


@pytest.mark.parametrize("step", [KB, 6 * KB, 64 * KB])
def test_a_steady_reader_above_the_minimum_is_never_disconnected(step: int) -> None:
    assert disconnected_after(steadily(KB, step, 3_600), 3_600) is None


def test_the_large_steps_of_linux_at_a_kilobyte_a_second_count_as_progress() -> None:
    measured = [(1.0, 128_512), (64.0, 66_560), *((192.0 + 93.5 * number, 95_232) for number in range(20))]
    assert disconnected_after(measured, 2_000) is None


def test_a_steady_reader_below_the_minimum_is_disconnected() -> None:
    found = disconnected_after(steadily(RATE / 2, 128, 3_600), 3_600)
    assert found is not None
    assert 2 * PATIENCE <= found <= 2 * PATIENCE + 2 * LOOK


def test_a_client_that_reads_nothing_is_disconnected_in_time_and_one_that_read_much_soon_after() -> None:
    assert disconnected_after([], 600) == PATIENCE
    found = disconnected_after([(1.0, 50_000_000)], 600)
    assert found is not None
    assert found <= 4 * PATIENCE + LOOK
