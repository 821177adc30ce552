"""Redocly and Spectral, with the rules in ``redocly.yaml`` and ``spectral.yaml``."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from tests.clients.report import Row
from tests.clients.tools import HERE, ToolFailed, Tools


def redocly(tools: Tools, files: Sequence[Path]) -> Row:
    """Lint with Redocly's strictest rules."""
    row = Row("Redocly recommended-strict", tools.version("@redocly/cli"), len(files))
    begun = monotonic()
    config = str(HERE / "redocly.yaml")
    done = tools.node("redocly", "lint", "--config", config, "--format=json", "--max-problems=1000", *map(str, files))
    reports = list(_values(done.stdout))
    if len(reports) != len(files):
        raise ToolFailed(f"Redocly did not run:\n{done.stderr}")
    row.errors = sum(report["totals"]["errors"] for report in reports)
    row.warnings = sum(report["totals"]["warnings"] for report in reports)
    for file, report in zip(files, reports, strict=True):
        for problem in report["problems"]:
            place = problem["location"][0].get("pointer", "")
            row.findings.append(f"{file.stem} {place}: {problem['ruleId']}: {problem['message']}")
    row.seconds = monotonic() - begun
    return row


def spectral(tools: Tools, files: Sequence[Path]) -> Row:
    """Lint with Spectral's rules for OpenAPI."""
    row = Row("Spectral spectral:oas", tools.version("@stoplight/spectral-cli"), len(files))
    begun = monotonic()
    rules = str(HERE / "spectral.yaml")
    done = tools.node("spectral", "lint", "--format", "json", "--quiet", "--ruleset", rules, *map(str, files))
    problems = next(_values(done.stdout), None)
    if problems is None:
        raise ToolFailed(f"Spectral did not run:\n{done.stdout}{done.stderr}")
    for problem in problems:
        place = "/".join(problem["path"])
        row.findings.append(f"{Path(problem['source']).stem} {place}: {problem['code']}: {problem['message']}")
    row.errors = sum(problem["severity"] == 0 for problem in problems)
    row.warnings = len(problems) - row.errors
    row.seconds = monotonic() - begun
    return row


def _values(text: str) -> Iterator[Any]:
    """Yield the JSON values that stand one after the other in the text, up to the first other text."""
    decoder, rest = json.JSONDecoder(), text.lstrip()
    while rest.startswith(("{", "[")):
        value, end = decoder.raw_decode(rest)
        yield value
        rest = rest[end:].lstrip()
