"""The result of one mutant."""

from typing import Literal, NamedTuple


class Result(NamedTuple):
    """A mutant, the suite that must kill it, and what happened."""

    mutant: str
    suite: str
    verdict: Literal["killed", "survived", "broken"]
    said: str
    seconds: float = 0.0
