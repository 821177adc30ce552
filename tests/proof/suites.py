"""Suites that must kill mutants: tests, or the attack matrix on named routes; each runs in its own process."""

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

FOUND = 1
"""The exit code of pytest and of the matrix when they found something; other failures prove nothing."""

_PRELOADED = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
"""Suites run in processes that imported the libraries, including pytest plugins, before pytest could rewrite them."""


class Outcome(NamedTuple):
    """The result of a suite's run."""

    verdict: Literal["killed", "survived", "broken"]
    detail: str
    report: Mapping[str, Any] = {}
    """The report that the matrix or pytest wrote."""


class Suite(ABC):
    """A suite passes on the sound product and must fail on a mutant."""

    seconds: int = 240
    """Its time limit. A suite that hangs kills no mutant."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name in the report."""

    @abstractmethod
    def command(self, findings: Path) -> list[str]:
        """Return the module that runs it, and its arguments, so that it writes its results to ``findings``."""

    @abstractmethod
    def read(self, code: int, findings: Path) -> Outcome:
        """Return the outcome of a run that ended with ``code``."""


@dataclass(frozen=True)
class Tests(Suite):
    """Some tests, by file or node id."""

    __test__ = False

    nodes: tuple[str, ...]
    to_the_end: bool = False
    """Whether all tests run even after one failed, so that each has a result."""

    @property
    def name(self) -> str:
        return " ".join(self.nodes)

    def command(self, findings: Path) -> list[str]:
        options = ["-q", "-n0", "-p", "no:cacheprovider", "-p", "tests.proof.outcomes", "--outcomes", str(findings)]
        return ["pytest", *options, *_PRELOADED, *([] if self.to_the_end else ["-x"]), "-m", "", *self.nodes]

    def read(self, code: int, findings: Path) -> Outcome:
        if not findings.exists():
            return Outcome("broken", f"pytest ended with {code}")
        found = json.loads(findings.read_text())
        if code == FOUND and found["failed"]:
            node, reason = next(iter(found["failed"].items()))
            return Outcome("killed", f"{_short(node)}: {reason}", found)
        passed = len(found["passed"])
        if code == 0 and passed:
            return Outcome("survived", f"{passed} tests pass", found)
        broken = [f"{_short(node)}: {reason}" for node, reason in found["broken"].items()]
        return Outcome("broken", (broken or [f"pytest ended with {code}, {passed} tests passed"])[0], found)

    def pass_in(self, found: Mapping[str, Collection[str]]) -> bool:
        """Return whether these tests ran and passed in a run of more tests."""
        wrong = [*found["failed"], *found["broken"]]
        return all(
            any(_is_in(test, node) for test in found["passed"]) and not any(_is_in(test, node) for test in wrong)
            for node in self.nodes
        )


@dataclass(frozen=True)
class Attacks(Suite):
    """The attack matrix, on the named routes or on all."""

    routes: tuple[str, ...] = ()
    depth: Literal["short", "full"] = "short"
    seconds: int = 240
    to_the_end: bool = False
    """Whether the attack on a route continues after its first finding."""

    @property
    def name(self) -> str:
        return f"matrix {', '.join(self.routes) or 'of all routes'}"

    def command(self, findings: Path) -> list[str]:
        named = [word for route in self.routes for word in ("--route", route)]
        first = [] if self.to_the_end else ["--first"]
        return ["tests.isolation.matrix", "--depth", self.depth, "--json", str(findings), *first, *named]

    def read(self, code: int, findings: Path) -> Outcome:
        if not findings.exists():
            return Outcome("broken", f"the matrix ended with {code}")
        report = json.loads(findings.read_text())
        lines = lines_of(report)
        if code == FOUND and lines:
            return Outcome("killed", lines[0], report)
        return Outcome("survived" if code == 0 else "broken", f"the matrix ended with {code}", report)

    def each(self, outcome: Outcome) -> Mapping[str, Outcome]:
        """Return the outcome of each route. A finding that belongs to no route makes all of them broken."""
        if outcome.verdict != "killed":
            return dict.fromkeys(self.routes, outcome)
        lines = {route: [line for line in lines_of(outcome.report) if _is_about(line, route)] for route in self.routes}
        if sum(map(len, lines.values())) != len(lines_of(outcome.report)):
            return dict.fromkeys(self.routes, outcome._replace(verdict="broken"))
        alive = Outcome("survived", "the matrix finds nothing")
        return {route: outcome._replace(detail=detail[0]) if detail else alive for route, detail in lines.items()}


def lines_of(report: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the matrix's findings, the most serious first."""
    return [*report["leaks"], *report["rows_changed"], *report["failures"]]


def _is_about(line: str, route: str) -> bool:
    return line.startswith((f"{route} |", f"{route}:", f"{route},"))


def _is_in(test: str, node: str) -> bool:
    return test == node or test.startswith((f"{node}::", f"{node}[", f"{node}/"))


def _short(node: str) -> str:
    return node.rpartition("/")[2]
