"""Cases that schemathesis generates from an operation's schema, valid and invalid ones."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.fuzz.documents import AnyCase, Operation

QUIET: Final = settings(
    database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), print_blob=False
)


def generate(
    operation: Operation, mode: GenerationMode, examples: int, number: int, use: Callable[[AnyCase], object]
) -> int:
    """Call ``use`` with at most ``examples`` cases, seeded by ``number``; return the number of cases."""
    cases = 0
    strategy = operation.api_operation.as_strategy(generation_mode=mode)

    @seed(number)
    @settings(QUIET, max_examples=examples)
    @given(strategy)
    def run(case: AnyCase) -> None:
        nonlocal cases
        cases += 1
        use(case)

    with suppress(Unsatisfiable):  # a request without fields cannot be invalid
        run()
    return cases
