"""What can kill: a suite that fails without any mutant has nothing to say of those that it fails on."""

from collections.abc import Iterable

from tests.proof.arena import Arena
from tests.proof.suites import Outcome, Suite


def unfit(arena: Arena, suites: Iterable[Suite]) -> dict[Suite, Outcome]:
    """Return the suites that do not pass on the sound product, each with what is to be said of its mutants."""
    asked = list(dict.fromkeys(suites))

    def run(suite: Suite) -> Outcome:
        with arena.place() as place, arena.database(f"proof_{place.number}", place) as servers:
            return arena.run(suite, servers, place)

    outcomes = zip(asked, arena.each(asked, run), strict=True)
    return {
        suite: Outcome("broken", f"fails without the mutant: {outcome.said}")
        for suite, outcome in outcomes
        if outcome.verdict != "survived"
    }
