"""One process's part of a run, with tenants, a seed and operations of its own."""

import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from schemathesis import GenerationMode

from insula.core.settings import Settings
from tests.fuzz.aim import Aimer
from tests.fuzz.bodies import Bodies
from tests.fuzz.cast import Cast, cast_of
from tests.fuzz.documents import Api, Operation, apis_of
from tests.fuzz.generated import generate
from tests.fuzz.planted import planted
from tests.fuzz.player import Player
from tests.fuzz.sequences import Sequences
from tests.fuzz.tally import Tally

_SOURCES: Final = {GenerationMode.POSITIVE: "good", GenerationMode.NEGATIVE: "bad"}
_PROGRESS_EVERY: Final = 1_000
_SEARCH_EVERY: Final = 10  # a generator without new cases is tried again this rarely, as the search is costly


@dataclass(frozen=True)
class Share:
    """The work of one lane, as plain values, since it is passed to a process."""

    settings: Settings
    url: str
    cases: int
    seed: int
    lane: int = 0
    lanes: int = 1
    examples: int = 25
    """Valid and invalid cases of each operation in each round, and sequences of each app."""
    planted_every: int = 1
    """1: every planted case; n: every n-th."""


def run(share: Share) -> Tally:
    """Send the share's cases; return the results."""
    chance = random.Random(f"{share.seed}:{share.lane}")  # noqa: S311 - to be repeated, not to be secret
    apis, tally = apis_of(share.url), Tally()
    tally.expect(operation.name for api in apis for operation in api.operations)
    with warnings.catch_warnings(), cast_of(share.settings, chance) as people:
        warnings.simplefilter("ignore")  # warnings about the libraries' internals: only answers matter here
        aimer = Aimer(people, Bodies(people, share.settings, chance), chance)
        player = Player(apis, people, aimer, tally, chance)
        reported = 0
        for _ in _steps(share, apis, player, people, chance):
            if tally.cases - reported >= _PROGRESS_EVERY:
                reported = tally.cases
                sys.stderr.write(
                    f"lane {share.lane}: {reported} of {share.cases} cases, {len(tally.findings)} findings\n"
                )
            if tally.cases >= share.cases:
                break
    return tally


def _steps(share: Share, apis: list[Api], player: Player, people: Cast, chance: random.Random) -> Iterator[None]:
    mine = [operation for api in apis for operation in api.operations[share.lane :: share.lanes]]
    yield from _plant(share, mine, player)
    walks = [walk for api in apis if (walk := Sequences(api, player, people, chance)).any]
    exhausted: set[tuple[str, GenerationMode]] = set()
    for number in count(share.seed):
        for operation in mine:
            for mode in GenerationMode:
                due = (operation.name, mode) not in exhausted or number % _SEARCH_EVERY == 0
                if due and _generated(share, operation, mode, number, player) < share.examples // 2:
                    exhausted.add((operation.name, mode))
                yield
        for walk in walks:
            walk.run(share.examples, number)
            yield


def _plant(share: Share, mine: list[Operation], player: Player) -> Iterator[None]:
    number = 0
    for operation in mine:
        for case in planted(operation):
            if number % share.planted_every == 0:
                player.plant(operation, case)
                yield
            number += 1


def _generated(share: Share, operation: Operation, mode: GenerationMode, number: int, player: Player) -> int:
    return generate(operation, mode, share.examples, number, lambda case: player.play(_SOURCES[mode], operation, case))
