"""Run tests/http and tests/site with the lowest and the newest FastAPI, Starlette and uvicorn that are allowed.

``make compat`` calls it. Each end of the range is installed into an environment of its own under ``build/compat``; the
other packages are those of ``uv.lock``. Prints a table, writes ``build/compat.json``, and exits with status 1 if a test
failed.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

ROOT: Final = Path(__file__).parents[1]
BUILD: Final = ROOT / "build" / "compat"
PACKAGES: Final = ("fastapi", "starlette", "uvicorn")
SUITES: Final = ("tests/http", "tests/site")
_UV: Final = str(Path(sys.executable).with_name("uv"))
_ENV: Final = "/usr/bin/env"
_VERSIONS: Final = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of the tests with one set of versions."""

    versions: Mapping[str, str]
    passed: int
    failed: int
    skipped: int
    seconds: float


def requirements() -> list[str]:
    """Return the requirements of ``pyproject.toml`` for these packages."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return [one for name in PACKAGES for one in declared if re.match(rf"{name}\W", one)]


def lowest(requirement: str) -> str:
    """Return the requirement of the lowest version that ``requirement`` allows."""
    return requirement.partition(",")[0].replace(">=", "==")


def install(end: str, wanted: Sequence[str], certificates: Sequence[str]) -> Path:
    """Make a new virtual environment with the wanted versions, and return its Python."""
    folder = BUILD / end
    python = folder / "bin" / "python"
    _run(_UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    sync = (_UV, "sync", "--frozen", "--all-extras", "--no-default-groups", "--group=test", "--quiet", *certificates)
    _run(_ENV, "-u", "VIRTUAL_ENV", f"UV_PROJECT_ENVIRONMENT={folder}", *sync)
    upgrades = [f"--upgrade-package={name}" for name in PACKAGES]
    _run(_UV, "pip", "install", "--quiet", *certificates, "--python", str(python), *upgrades, *wanted)
    return python


def run_tests(end: str, python: Path, jobs: int) -> Outcome:
    """Run the tests with this Python."""
    report = BUILD / f"{end}.xml"
    report.unlink(missing_ok=True)
    versions = _read(str(python), "-c", _VERSIONS, *PACKAGES).split()
    print(f"{end}: {', '.join(map(' '.join, zip(PACKAGES, versions, strict=True)))}", flush=True)
    options = ("-q", "-n", str(jobs), "--dist", "loadscope", f"--junitxml={report}")
    subprocess.run([str(python), "-m", "pytest", *options, *SUITES], cwd=ROOT, check=False)  # noqa: S603  # our own tests
    suite = ET.parse(report).getroot()[0]  # noqa: S314  # written by our own tests
    tests, failures, errors, skipped = (int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped"))
    failed = failures + errors
    seconds = float(suite.get("time", 0))
    return Outcome(dict(zip(PACKAGES, versions, strict=True)), tests - failed - skipped, failed, skipped, seconds)


def table(outcomes: Mapping[str, Outcome]) -> str:
    """Return the outcomes as Markdown."""
    lines = ["| | FastAPI | Starlette | uvicorn | passed | failed | seconds |", "|---|---|---|---|---|---|---|"]
    for end, one in outcomes.items():
        cells = (end, *one.versions.values(), one.passed, one.failed, f"{one.seconds:.0f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  # uv, from this environment


def _read(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603  # as above


def main() -> int:
    """Install the packages, run the tests and print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="how many tests run at once")
    parser.add_argument("--only", choices=("lowest", "newest"), help="one end of the range")
    parser.add_argument("--system-certs", action="store_true", help="use this machine's certificates")
    options = parser.parse_args()
    certificates = ["--system-certs"] if options.system_certs else []
    newest = requirements()
    ends = {"lowest": [lowest(one) for one in newest], "newest": newest}
    outcomes: dict[str, Outcome] = {}
    for end, wanted in ends.items():
        if options.only in {None, end}:
            outcomes[end] = run_tests(end, install(end, wanted, certificates), options.jobs)
    report = {end: asdict(outcome) for end, outcome in outcomes.items()}
    (ROOT / "build" / "compat.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(f"\n{table(outcomes)}")
    return 1 if any(outcome.failed or not outcome.passed for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
