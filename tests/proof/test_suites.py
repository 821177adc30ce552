"""In a joint run of suites each route or test has the same outcome as in a run of its own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.proof.editing import edits, groups
from tests.proof.suites import FOUND, Attacks, Tests

ONE, ITEM, OTHER = "GET /api/v1/racks", "GET /api/v1/racks/{rack_id}", "POST /auth/login"


def attacked(findings: Path, code: int, lines: Sequence[str]) -> Mapping[str, str]:
    findings.write_text(json.dumps({"leaks": lines[:1], "rows_changed": lines[1:2], "failures": lines[2:]}))
    raid = Attacks((ONE, ITEM, OTHER))
    return {route: outcome.verdict for route, outcome in raid.each(raid.read(code, findings)).items()}


@pytest.mark.parametrize("line", [f"{ITEM} | viewer | path | none | text", f"{ITEM}: no attack", f"{ITEM}, several"])
def test_a_finding_kills_only_the_mutant_of_its_route(tmp_path: Path, line: str) -> None:
    verdicts = attacked(tmp_path / "found", FOUND, [line])
    assert verdicts == {ONE: "survived", ITEM: "killed", OTHER: "survived"}


def test_a_run_without_findings_kills_no_mutant(tmp_path: Path) -> None:
    assert set(attacked(tmp_path / "found", 0, []).values()) == {"survived"}


@pytest.mark.parametrize("line", ["the log holds a canary", "GET /api/v1/members | viewer"])
def test_a_finding_on_another_route_kills_no_mutant(tmp_path: Path, line: str) -> None:
    verdicts = attacked(tmp_path / "found", FOUND, [f"{ITEM} | viewer", line])
    assert set(verdicts.values()) == {"broken"}


def test_an_attack_that_could_not_run_kills_no_mutant(tmp_path: Path) -> None:
    assert set(attacked(tmp_path / "found", 3, []).values()) == {"broken"}
    raid = Attacks((ONE,))
    assert raid.each(raid.read(1, tmp_path / "nothing"))[ONE].verdict == "broken"


@pytest.mark.parametrize(
    ("nodes", "passes"),
    [
        (("tests/a.py",), True),
        (("tests/a.py::one",), True),
        (("tests/a.py", "tests/b"), True),
        (("tests/a",), False),
        (("tests/b/c.py::on",), False),
        (("tests/d.py",), False),
        (("tests/a.py", "tests/d.py"), False),
        (("tests/e.py",), False),
    ],
)
def test_the_outcome_of_tests_is_read_from_a_run_of_more_tests(nodes: tuple[str, ...], *, passes: bool) -> None:
    found = {
        "passed": ["tests/a.py::one[x]", "tests/b/c.py::one", "tests/d.py::one"],
        "failed": ["tests/d.py::two"],
        "broken": ["tests/e.py"],
    }
    assert Tests(nodes).pass_in(found) is passes


def test_only_independent_mutants_are_tried_together() -> None:
    every = edits()
    found = groups(every)
    assert sorted(edit.name for group in found for edit in group) == sorted(edit.name for edit in every)
    assert any(len(group) > 1 for group in found)
    for group in (group for group in found if len(group) > 1):
        assert all(edit.local for edit in group)
        assert len({(edit.path, edit.anchor) for edit in group}) == len({edit.suite for edit in group}) == len(group)
