"""What the pairs of the mount shortcut come to."""

import pytest

from benchmarks.shortcut import Gain, Outcome


def test_the_interval_is_students() -> None:
    gain = Gain.of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])

    assert gain.mean == 5.5
    assert [gain.low, gain.high] == pytest.approx([3.334, 7.666], abs=1e-2)


@pytest.mark.parametrize(("spared", "verdict"), [(12.0, "stays"), (8.0, "goes")])
def test_it_stays_where_the_whole_interval_lies_above_the_bar(spared: float, verdict: str) -> None:
    without = [200.0, 201.0, 199.0, 200.0]
    outcome = Outcome(without, [each - spared for each in without], foreign=0)

    assert outcome.share.mean == pytest.approx(spared / 200, rel=0.01)
    assert outcome.to_markdown().endswith(f"the shortcut {verdict}.")
