"""Breaks the source: makes each mutant in a copy of the tree, and runs the suite that must detect it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Final

from tests.proof.arena import Arena, Sandbox
from tests.proof.baseline import unfit
from tests.proof.mutants.authorizing import AUTHORIZING
from tests.proof.mutants.bodies import BODIES
from tests.proof.mutants.browser import BROWSER
from tests.proof.mutants.callers import CALLERS
from tests.proof.mutants.connections import CONNECTIONS
from tests.proof.mutants.declarations import DECLARATIONS
from tests.proof.mutants.developing import DEVELOPING
from tests.proof.mutants.edits import AnchorLost, Edit
from tests.proof.mutants.effects import EFFECTS
from tests.proof.mutants.guards import loosened, unguarded
from tests.proof.mutants.identity import IDENTITY
from tests.proof.mutants.ledgers import LEDGERS
from tests.proof.mutants.long_lived import LONG_LIVED
from tests.proof.mutants.oauth import OAUTH
from tests.proof.mutants.openid import OPENID
from tests.proof.mutants.people import PEOPLE
from tests.proof.mutants.refreshing import REFRESHING
from tests.proof.mutants.repeated import REPEATED
from tests.proof.mutants.running import RUNNING
from tests.proof.mutants.silence import SILENCE
from tests.proof.mutants.tenancy import TENANCY
from tests.proof.mutants.text import TEXT
from tests.proof.mutants.token_scopes import TOKEN_SCOPES
from tests.proof.mutants.token_status import TOKEN_STATUS
from tests.proof.results import Result
from tests.proof.suites import Attacks, Outcome, Suite
from tests.support.project import EXAMPLE, ROOT

_TOGETHER: Final = 7


def edits() -> list[Edit]:
    """Return every mutant of the source; without the example's if it is left out. Raises AnchorLost."""
    mutants = [
        *IDENTITY,
        *TENANCY,
        *EFFECTS,
        *REFRESHING,
        *REPEATED,
        *CALLERS,
        *CONNECTIONS,
        *DECLARATIONS,
        *DEVELOPING,
        *LEDGERS,
        *OAUTH,
        *OPENID,
        *PEOPLE,
        *AUTHORIZING,
        *BROWSER,
        *RUNNING,
        *SILENCE,
        *TEXT,
        *BODIES,
        *TOKEN_SCOPES,
        *TOKEN_STATUS,
        *LONG_LIVED,
        *loosened(),
    ]
    return [edit for edit in mutants if not _is_left_out(edit)]


def _is_left_out(edit: Edit) -> bool:
    """Return whether the edit's file, or a test that must detect it, belongs to the example and is missing."""
    files = {edit.path, *(node.partition("::")[0] for node in getattr(edit.suite, "nodes", ()))}
    return any(file.startswith(EXAMPLE) and not (ROOT / file).exists() for file in files)


def break_source(arena: Arena, chosen: Collection[str] = ()) -> Iterator[Result]:
    """Try every mutant, or those whose name contains one of ``chosen``, after each suite passed without any."""
    picked = [edit for edit in edits() if _is_chosen(edit.name, chosen)]
    yield from (result for result in unguarded() if _is_chosen(result.mutant, chosen))
    known = unfit(arena, [edit.suite for edit in picked])
    yield from (_result(edit, known[edit.suite], 0.0) for edit in picked if edit.suite in known)
    for results in arena.each(groups(edit for edit in picked if edit.suite not in known), partial(_tried, arena)):
        yield from results


def groups(found: Iterable[Edit]) -> list[list[Edit]]:
    """Return the edits in groups: local ones of different functions together, each other edit alone."""
    together: list[list[Edit]] = []
    for edit in found:
        for group in together if edit.local else ():
            apart = all(other.local and (other.path, other.anchor) != (edit.path, edit.anchor) for other in group)
            if apart and len(group) < _TOGETHER:
                group.append(edit)
                break
        else:
            together.append([edit])
    return together


def _is_chosen(name: str, chosen: Collection[str]) -> bool:
    return not chosen or any(part in name for part in chosen)


def _tried(arena: Arena, group: Sequence[Edit]) -> list[Result]:
    begun = monotonic()
    with arena.sandbox() as sandbox, arena.database(f"proof_{sandbox.number}", sandbox) as servers:
        try:
            files = _applied(sandbox, group)
        except AnchorLost as lost:
            outcomes = [Outcome("broken", str(lost))]
        else:
            suite = _joined(group)
            with sandbox.changed(files.items()):
                outcome = arena.run(suite, servers, sandbox)
            by_route = suite.each(outcome) if isinstance(suite, Attacks) and len(group) > 1 else {}
            outcomes = list(by_route.values()) or [outcome]
    if len(group) > 1 and any(outcome.verdict == "broken" for outcome in outcomes):
        return [result for edit in group for result in _tried(arena, [edit])]
    seconds = (monotonic() - begun) / len(group)
    return [_result(edit, outcome, seconds) for edit, outcome in zip(group, outcomes, strict=True)]


def _applied(sandbox: Sandbox, group: Sequence[Edit]) -> dict[str, str]:
    """Return the changed files. Raises AnchorLost."""
    files: dict[str, str] = {}
    for edit in group:
        files[edit.path] = edit.applied(sandbox.tree, files.get(edit.path))
    return files


def _joined(group: Sequence[Edit]) -> Suite:
    first, *others = (edit.suite for edit in group)
    if not others:
        return first
    return Attacks(tuple(route for edit in group if isinstance(edit.suite, Attacks) for route in edit.suite.routes))


def _result(edit: Edit, outcome: Outcome, seconds: float) -> Result:
    return Result(edit.name, edit.suite.name, outcome.verdict, outcome.detail, seconds)
