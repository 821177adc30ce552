"""Turns the mutants' results into figures; a survivor needs an explanation."""

from collections.abc import Sequence

from tests.proof.figures import Figures, Survivor
from tests.proof.results import Result
from tests.proof.survivors import EXPLAINED


def mutant_figures(results: Sequence[Result]) -> Figures:
    """Return the figures of the mutation proof."""
    alive = [result for result in results if result.verdict != "killed"]
    return Figures(
        mutants=len(results), mutants_killed=len(results) - len(alive), survivors=tuple(map(_survivor, alive))
    )


def outdated(results: Sequence[Result]) -> list[str]:
    """Return the explanations of mutants that are killed or do not exist, one line each."""
    verdicts = {result.mutant: result.verdict for result in results}
    return [
        f"{name}: explained as a survivor, but it is {verdicts.get(name, 'not there')}"
        for name in EXPLAINED
        if verdicts.get(name) != "survived"
    ]


def _survivor(result: Result) -> Survivor:
    explanation = EXPLAINED.get(result.mutant, "") if result.verdict == "survived" else ""
    return Survivor(mutant=result.mutant, suite=result.suite, detail=result.detail, explanation=explanation)
