"""Mutants that cannot be made prove nothing: each anchor must be in the source, and each survivor needs a reason."""

import ast
from enum import StrEnum
from typing import get_type_hints

from insula.http.routing.guards import Guard
from tests.isolation.matrix.routes import live_routes
from tests.proof.arena import ROOT
from tests.proof.editing import edits
from tests.proof.mutants.edits import AnchorLost, Edit
from tests.proof.mutants.guards import THE_BUILD, loosened, unguarded
from tests.proof.survivors import EXPLAINED


def lost(edit: Edit) -> str | None:
    """Return the fault of the mutant's anchor, or None."""
    try:
        edited = edit.applied(ROOT)
        if edit.path.endswith(".py"):
            compile(edited, edit.path, "exec")
    except (AnchorLost, SyntaxError) as error:
        return f"{edit.name}: {error}"
    return None


def action_required_by(edit: Edit) -> StrEnum:
    """Return the action that the edited function's guard requires."""
    module: dict[str, object] = {"__name__": "edited"}
    exec(compile(edit.applied(ROOT), edit.path, "exec"), module)  # noqa: S102 - our own routes, as the proof runs them
    edited = ast.parse(edit.instead).body[0]
    assert isinstance(edited, ast.AsyncFunctionDef | ast.FunctionDef)
    hints = get_type_hints(module[edited.name], include_extras=True).values()
    dependencies = [getattr(part, "dependency", None) for hint in hints for part in getattr(hint, "__metadata__", ())]
    (guard,) = [dependency for dependency in dependencies if isinstance(dependency, Guard)]
    return guard.action


def test_every_mutants_anchor_is_in_the_source() -> None:
    assert [found for edit in edits() if (found := lost(edit)) is not None] == []


def test_every_mutant_changes_something() -> None:
    assert [edit.name for edit in edits() if edit.anchor == edit.instead] == []


def test_a_mutant_has_one_name() -> None:
    names = [edit.name for edit in edits()]
    assert len(names) == len(set(names)) > len(live_routes()) / 2


def test_a_loosened_guard_requires_the_action_in_the_mutants_name() -> None:
    required = {edit.name: f"{edit.name.partition(': for ')[0]}: for {action_required_by(edit)}" for edit in loosened()}
    assert [f"{name} is {other}" for name, other in required.items() if name != other] == []
    assert len(required) > len(live_routes()) / 3


def test_every_named_test_file_exists() -> None:
    nodes = {node.partition("::")[0] for edit in edits() for node in getattr(edit.suite, "nodes", ())}
    assert {node for node in nodes if not (ROOT / node).exists()} == set()


def test_no_guarded_route_is_built_without_its_guard() -> None:
    results = list(unguarded())
    assert {result.suite for result in results} == {THE_BUILD}
    assert [result.mutant for result in results if result.verdict != "killed"] == []


def test_each_survivor_is_explained() -> None:
    assert all(len(reason) > len(name) for name, reason in EXPLAINED.items())
