"""Breaks the source: each hole in a copy of the tree, and the suite that it names run there."""

from collections.abc import Collection, Iterator
from time import monotonic

from tests.proof.arena import Arena
from tests.proof.baseline import unfit
from tests.proof.mutants.edits import AnchorLost, Edit
from tests.proof.mutants.effects import EFFECTS
from tests.proof.mutants.guards import loosened, unguarded
from tests.proof.mutants.identity import IDENTITY
from tests.proof.mutants.tenancy import TENANCY
from tests.proof.results import Result
from tests.proof.suites import Outcome


def edits() -> list[Edit]:
    """Return every hole that is made in the source. Raises AnchorLost."""
    return [*IDENTITY, *TENANCY, *EFFECTS, *loosened()]


def break_source(arena: Arena, chosen: Collection[str] = ()) -> Iterator[Result]:
    """Try every hole, or those whose name holds one of ``chosen``; first see each suite pass without any."""
    picked = [edit for edit in edits() if _is_chosen(edit.name, chosen)]
    yield from (result for result in unguarded() if _is_chosen(result.mutant, chosen))
    known = unfit(arena, [edit.suite for edit in picked])
    yield from arena.each(picked, lambda edit: _tried(arena, edit, known.get(edit.suite)))


def _is_chosen(name: str, chosen: Collection[str]) -> bool:
    return not chosen or any(part in name for part in chosen)


def _tried(arena: Arena, edit: Edit, known: Outcome | None) -> Result:
    begun = monotonic()
    if known is not None:
        return Result(edit.name, edit.suite.name, known.verdict, known.said)
    with arena.place() as place, arena.database(f"proof_{place.number}", place) as servers:
        try:
            text = edit.applied(place.tree)
        except AnchorLost as lost:
            return Result(edit.name, edit.suite.name, "broken", str(lost))
        with place.changed([(edit.path, text)]):
            outcome = arena.run(edit.suite, servers, place)
    return Result(edit.name, edit.suite.name, outcome.verdict, outcome.said, monotonic() - begun)
