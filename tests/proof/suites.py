"""What must kill a mutant: tests, or the attack matrix on named routes; run as a process of its own."""

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

FOUND = 1
"""The exit code of pytest and of the matrix when they found something; all others are of no use here."""

_PRELOADED = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
"""Suites run in processes that have imported the libraries, plugins' among them, before pytest could look at them."""


class Outcome(NamedTuple):
    """What a run of a suite says of the code and the database that it ran on."""

    verdict: Literal["killed", "survived", "broken"]
    said: str
    report: Mapping[str, Any] = {}
    """What the matrix, or pytest, wrote of itself."""


class Suite(ABC):
    """Something that passes on the sound product and must fail on a mutant."""

    seconds: int = 240
    """In which it must end. One that hangs has killed nobody."""

    @property
    @abstractmethod
    def name(self) -> str:
        """How it is called in the report."""

    @abstractmethod
    def command(self, findings: Path) -> list[str]:
        """Return the module that runs it, and the arguments with which it writes what it found to ``findings``."""

    @abstractmethod
    def read(self, code: int, findings: Path) -> Outcome:
        """Return what the run that ended with ``code`` came to."""


@dataclass(frozen=True)
class Tests(Suite):
    """Some tests, by file or node id."""

    __test__ = False

    nodes: tuple[str, ...]
    to_the_end: bool = False
    """Whether all are run even after one failed, so that each is heard of."""

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
        """Tell whether a run of more than these tests ran these, and found nothing wrong with them."""
        wrong = [*found["failed"], *found["broken"]]
        return all(
            any(_is_in(test, node) for test in found["passed"]) and not any(_is_in(test, node) for test in wrong)
            for node in self.nodes
        )


@dataclass(frozen=True)
class Attacks(Suite):
    """The attack matrix, on named routes or on all."""

    routes: tuple[str, ...] = ()
    depth: Literal["short", "full"] = "short"
    seconds: int = 240
    to_the_end: bool = False
    """Whether each route is attacked on after something was found."""

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
        """Return what the outcome says of each route. What it says of no route makes it worthless for all."""
        if outcome.verdict != "killed":
            return dict.fromkeys(self.routes, outcome)
        lines = {route: [line for line in lines_of(outcome.report) if _is_about(line, route)] for route in self.routes}
        if sum(map(len, lines.values())) != len(lines_of(outcome.report)):
            return dict.fromkeys(self.routes, outcome._replace(verdict="broken"))
        alive = Outcome("survived", "the matrix finds nothing")
        return {route: outcome._replace(said=said[0]) if said else alive for route, said in lines.items()}


def lines_of(report: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what the matrix found, gravest first."""
    return [*report["leaks"], *report["rows_changed"], *report["failures"]]


def _is_about(line: str, route: str) -> bool:
    return line.startswith((f"{route} |", f"{route}:", f"{route},"))


def _is_in(test: str, node: str) -> bool:
    return test == node or test.startswith((f"{node}::", f"{node}[", f"{node}/"))


def _short(node: str) -> str:
    return node.rpartition("/")[2]
