import pytest

from insula.limits import LimitClass
from insula.limits.classes import budget


@pytest.mark.parametrize(
    ("per_minute", "limit_class", "expected"),
    [
        (6_000, LimitClass.READ, 6_000),
        (6_000, LimitClass.WRITE, 3_000),
        (6_000, LimitClass.EXPORT, 300),
        (60, LimitClass.EXPORT, 3),
        (1, LimitClass.EXPORT, 1),
        (0, LimitClass.READ, 0),
        (-5, LimitClass.WRITE, 0),
    ],
)
def test_each_class_has_its_part_of_the_plan(per_minute: int, limit_class: LimitClass, expected: int) -> None:
    assert budget(per_minute, limit_class) == expected
