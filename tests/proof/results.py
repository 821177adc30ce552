"""The result of one mutant."""

from typing import Literal, NamedTuple


class Result(NamedTuple):
    """A mutant, the suite that must kill it, the verdict and its detail."""

    mutant: str
    suite: str
    verdict: Literal["killed", "survived", "broken"]
    detail: str
    seconds: float = 0.0
