"""Sequences by schemathesis' state machine: create, read, change, delete; some steps send the other tenant's token."""

import random
from contextlib import suppress
from typing import Any, Final, cast

from hypothesis import seed, settings
from hypothesis.errors import Flaky
from schemathesis import stateful
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput

from tests.fuzz.cast import SIDES, Actor, Cast, Part
from tests.fuzz.documents import Api
from tests.fuzz.generated import QUIET
from tests.fuzz.player import Player

STEPS: Final = 10
_SWAPPED: Final = 0.25


class Sequences:
    """One app's state machine. An app whose operations have no links has none."""

    def __init__(self, api: Api, player: Player, people: Cast, chance: random.Random) -> None:
        self._machine = _machine_of(api, player, people, chance)

    @property
    def any(self) -> bool:
        """Whether the document links operations."""
        return bool(self._machine.root_rules)

    def run(self, examples: int, number: int) -> None:
        """Run about ``examples`` sequences; ``number`` seeds them, and the server's answers steer them."""
        seed(number)(self._machine)
        with suppress(Flaky):  # the server decides which steps are possible, so runs may differ
            self._machine.run(settings=settings(QUIET, max_examples=examples, stateful_step_count=STEPS))


def _machine_of(api: Api, player: Player, people: Cast, chance: random.Random) -> type[stateful.APIStateMachine]:
    operations = {operation.api_operation.label: operation for operation in api.operations}
    # This class is made at run time from the document, so no type checker knows it.
    base: Any = api.schema.as_state_machine()

    class Walk(base):  # type: ignore[misc]  # see above
        """One side's sequence of requests; some steps send the other side's token."""

        def setup(self) -> None:
            super().setup()
            self.home = chance.choice(SIDES)

        def step(self, input: StepInput) -> StepOutput | None:  # noqa: A002 - the base class's parameter
            """Take a step; a request that cannot be sent ends here."""
            case = input.case
            operation = operations[case.operation.label]
            response = player.follow(operation, case, self._actor(operation.schemes))
            if response is None:
                return None
            self.after_call(response, case)
            return StepOutput(response, case)

        def _actor(self, schemes: frozenset[str]) -> Actor:
            away = chance.random() < _SWAPPED
            side = next(side for side in SIDES if (side == self.home) is not away)
            part: Part = "staff" if api.app == "admin" else "owner" if "apiKey" in schemes else "person"
            return people.actor(part, api.app, side)

    return cast("type[stateful.APIStateMachine]", Walk)
