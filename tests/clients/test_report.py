"""The results of the linters and clients, and the errors of their installation."""

import json
from pathlib import Path

from tests.clients.report import Row, table, write
from tests.clients.tools import npm_failure


def test_the_table_has_a_row_for_each_tool() -> None:
    rows = [Row("Redocly", "2.0", 5), Row("orval", "8.38.0", 5, lines=12345, compiles=True, scenario=11, seconds=4.26)]
    _, rule, *lines = table(rows).splitlines()
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in lines] == [
        ["Redocly", "2.0", "5", "0", "0", "", "", "", "0.0"],
        ["orval", "8.38.0", "5", "0", "0", "12,345", "yes", "11 steps", "4.3"],
    ]
    assert {len(line) for line in lines} == {len(rule)}


def test_a_row_passes_only_without_findings() -> None:
    assert Row("fine", "1", 1, lines=1, compiles=True, scenario=3).passed
    assert Row("a linter", "1", 1).passed
    assert not Row("an error", "1", 1, errors=1).passed
    assert not Row("a warning", "1", 1, warnings=1).passed
    assert not Row("does not compile", "1", 1, compiles=False, scenario=3).passed
    assert not Row("a failed scenario", "1", 1, compiles=True, scenario=0).passed


def test_the_results_are_written_for_people_and_for_programs(tmp_path: Path) -> None:
    write([Row("orval", "8", 5, lines=1, compiles=True, scenario=11)], ["api: GET /x: removed"], 61.5, tmp_path)
    found = json.loads((tmp_path / "clients.json").read_text())
    assert (found["tools"][0]["name"], found["breaking_changes"]) == ("orval", ["api: GET /x: removed"])
    assert "- api: GET /x: removed" in (tmp_path / "clients.md").read_text()


def test_an_unreached_registry_is_named_with_the_cure() -> None:
    output = "npm error code ENOTFOUND\nnpm error network request to https://registry.example/orval failed"
    assert "no npm registry was reached (ENOTFOUND)" in npm_failure(output)
    assert "HTTPS_PROXY" in npm_failure(output)
    assert "EINTEGRITY" in npm_failure("npm error code EINTEGRITY")
