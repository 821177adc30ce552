"""A pytest plugin that writes the tests that passed, failed, or could not run to a file."""

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", metavar="FILE", help="write outcomes to FILE, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--outcomes")
    if path is not None:
        config.pluginmanager.register(Recorder(Path(path)))


class Recorder:
    """Records tests whose body failed and tests that broke outside their body, with the reasons."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.passed: list[str] = []
        self.failed: dict[str, str] = {}
        self.broken: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record one phase of one test."""
        if report.failed:
            (self.failed if report.when == "call" else self.broken)[report.nodeid] = _reason(report)
        elif report.when == "call" and report.passed:
            self.passed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a module that could not be collected."""
        if report.failed:
            self.broken[report.nodeid] = _reason(report)

    def pytest_sessionfinish(self) -> None:
        """Write the outcomes to the file."""
        found = {"passed": self.passed, "failed": self.failed, "broken": self.broken}
        self.path.write_text(json.dumps(found))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    return next((line for line in text.splitlines() if line.strip()), "").strip()
