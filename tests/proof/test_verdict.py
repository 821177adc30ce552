"""The proof holds only if every figure is as required; each wrong figure fails the command."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from tests.proof import __main__ as command
from tests.proof.arena import Arena
from tests.proof.figures import Figures, Survivor, left_out, shortcomings
from tests.proof.judge import mutant_figures, outdated
from tests.proof.results import Result


class Run(Protocol):
    """Runs the command with invented figures and lines; returns its exit code and its output folder."""

    def __call__(
        self, figures: Figures, lines: Sequence[str] = (), arguments: Sequence[str] = ()
    ) -> tuple[int, Path]: ...


EXPLAINED = Survivor(mutant="m", suite="s", detail="passes", explanation="row-level security keeps it")
UNEXPLAINED = Survivor(mutant="m", suite="s", detail="passes", explanation="")
SOUND = Figures(
    routes=2,
    routes_attacked=2,
    cells=30,
    cells_run=30,
    attempts=40,
    controls=9,
    controls_passed=9,
    leaks=0,
    foreign_rows_changed=0,
    tables=3,
    tables_passed=3,
    mutants=100,
    mutants_killed=99,
    survivors=(EXPLAINED,),
    pooler_leaks=0,
)
INSUFFICIENT = {
    "a route is not attacked": replace(SOUND, routes_attacked=1),
    "there are no routes": replace(SOUND, routes=0, routes_attacked=0),
    "a cell is not run": replace(SOUND, cells_run=29),
    "a control fails": replace(SOUND, controls_passed=8),
    "there are no controls": replace(SOUND, controls=0, controls_passed=0),
    "something leaks": replace(SOUND, leaks=1),
    "foreign rows change": replace(SOUND, foreign_rows_changed=1),
    "a table does not pass": replace(SOUND, tables_passed=2),
    "too few die": replace(SOUND, mutants_killed=94, survivors=(EXPLAINED,) * 6),
    "a survivor is not explained": replace(SOUND, survivors=(UNEXPLAINED,)),
    "a mutant is lost": replace(SOUND, survivors=()),
    "there are no mutants": replace(SOUND, mutants=0, mutants_killed=0, survivors=()),
    "something leaks through the pooler": replace(SOUND, pooler_leaks=1),
}


def test_sound_figures_have_no_shortcoming() -> None:
    assert shortcomings(SOUND) == []
    assert left_out(SOUND) == []
    assert set(left_out(Figures())) == set(SOUND.to_json())


@pytest.mark.parametrize("figures", INSUFFICIENT.values(), ids=INSUFFICIENT.keys())
def test_each_insufficient_figure_is_a_shortcoming(figures: Figures) -> None:
    assert shortcomings(figures)


def no_servers(_arena: type[Arena]) -> nullcontext[None]:
    """Open nothing, because the parts are invented."""
    return nullcontext()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setattr(command, "BUILD", tmp_path)
    monkeypatch.setattr(Arena, "open", classmethod(no_servers))

    def run(figures: Figures, lines: Sequence[str] = (), arguments: Sequence[str] = ()) -> tuple[int, Path]:
        monkeypatch.setattr(command, "PARTS", {"mutants": lambda _arena, _chosen: (figures, list(lines))})
        return command.main(arguments), tmp_path

    return run


def test_the_command_succeeds_and_writes_every_figure(run: Run) -> None:
    code, build = run(SOUND)
    assert code == 0
    written = json.loads((build / "prove.json").read_text())
    assert {name: written[name] for name in SOUND.to_json()} == json.loads(json.dumps(SOUND.to_json()))


@pytest.mark.parametrize("figures", INSUFFICIENT.values(), ids=INSUFFICIENT.keys())
def test_the_command_fails_for_each_insufficient_figure(run: Run, figures: Figures) -> None:
    assert run(figures)[0] == 1


def test_a_finding_or_a_missing_part_fails_the_command(run: Run) -> None:
    assert run(SOUND, ["a line"])[0] == 1
    assert run(replace(SOUND, tables=None, tables_passed=None))[0] == 1


def test_a_run_of_one_part_is_no_proof(run: Run) -> None:
    code, build = run(replace(SOUND, routes=None), arguments=["--only", "mutants"])
    assert code == 0
    assert not (build / "prove.json").exists()


def test_a_mutant_that_broke_its_suite_is_not_killed_and_cannot_be_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.proof.judge.EXPLAINED", {"b": "a reason", "gone": "a reason"})
    results = [Result("a", "s", "killed", "failed"), Result("b", "s", "broken", "the server did not start")]
    figures = mutant_figures(results)
    assert (figures.mutants, figures.mutants_killed) == (2, 1)
    assert [one["explanation"] for one in figures.survivors or ()] == [""]
    assert outdated(results) == [
        "b: explained as a survivor, but it is broken",
        "gone: explained as a survivor, but it is not there",
    ]
