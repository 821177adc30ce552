"""Checks that suites pass without mutants: otherwise their failure on a mutant proves nothing.

To save time many suites first run together, as most pass; those that did not pass then run alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from tests.proof.arena import JOBS, Arena
from tests.proof.suites import Attacks, Outcome, Suite, Tests

_TOGETHER: Final = 10
Entry = TypeVar("Entry")


def unfit(arena: Arena, suites: Iterable[Suite]) -> dict[Suite, Outcome]:
    """Return the suites that fail on the sound product, each with the outcome of its mutants."""
    distinct = list(dict.fromkeys(suites))
    fit = _fit(arena, distinct)
    doubtful = [suite for suite in distinct if suite not in fit]
    return {
        suite: Outcome("broken", f"fails without the mutant: {outcome.detail}")
        for suite, outcome in zip(doubtful, _run(arena, doubtful), strict=True)
        if outcome.verdict != "survived"
    }


def _fit(arena: Arena, suites: Sequence[Suite]) -> set[Suite]:
    """Return the suites that pass when they run together with others."""
    tests = [suite for suite in suites if isinstance(suite, Tests)]
    attacks = [suite for suite in suites if isinstance(suite, Attacks) and suite.depth == "short" and suite.routes]
    nodes = list(dict.fromkeys(node for suite in tests for node in suite.nodes))
    routes = list(dict.fromkeys(route for suite in attacks for route in suite.routes))
    joined = [Tests(tuple(some), to_the_end=True) for some in _groups(nodes)]
    raids = [Attacks(tuple(some)) for some in _groups(routes)]
    outcomes = list(_run(arena, [*joined, *raids]))
    found = [outcome.report for outcome in outcomes[: len(joined)] if outcome.report]
    results = {kind: [test for report in found for test in report[kind]] for kind in ("passed", "failed", "broken")}
    safe = {
        route
        for raid, outcome in zip(raids, outcomes[len(joined) :], strict=True)
        for route, alone in raid.each(outcome).items()
        if alone.verdict == "survived"
    }
    return {*(one for one in tests if one.pass_in(results)), *(one for one in attacks if safe.issuperset(one.routes))}


def _run(arena: Arena, suites: Sequence[Suite]) -> Iterator[Outcome]:
    def run(suite: Suite) -> Outcome:
        with arena.sandbox() as sandbox, arena.database(f"proof_{sandbox.number}", sandbox) as servers:
            return arena.run(suite, servers, sandbox)

    return arena.each(suites, run)


def _groups(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Distribute them over small groups, with at least one for each sandbox."""
    if entries:
        count = max(JOBS, -(-len(entries) // _TOGETHER))
        yield from filter(None, (entries[at::count] for at in range(count)))
