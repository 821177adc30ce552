"""Attack the live apps. Exit codes: 0 no finding, 1 findings, 3 the attack could not run."""

import argparse
import asyncio
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from insula.core.settings import Settings
from tests.isolation.matrix.report import Report
from tests.isolation.matrix.routes import LiveRoute, live_routes
from tests.isolation.matrix.run import attack
from tests.isolation.matrix.stage import Stage
from tests.support.apps import is_of_an_installation
from tests.support.cluster import RUNNING, Servers, TestServers

SOUND, FOUND, COULD_NOT_RUN = 0, 1, 3
_MOST_LINES = 50


def main() -> int:
    """Parse the command line, attack, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m tests.isolation.matrix", description=__doc__)
    parser.add_argument("--depth", choices=("short", "full"), default="short")
    parser.add_argument("--route", action="append", default=[], help='such as "GET /api/v1/racks/{rack_id}"')
    parser.add_argument("--first", action="store_true", help="stop a route at its first finding")
    parser.add_argument("--json", type=Path, help="where to write the report")
    options = parser.parse_args()
    known = live_routes()
    if unknown := sorted(set(options.route) - set(known)):
        sys.stderr.write(f"no such route: {', '.join(unknown)}\n")
        return COULD_NOT_RUN
    chosen = [known[name] for name in options.route] or list(known.values())
    with _servers() as settings:
        report = asyncio.run(_attack(settings, chosen, options.depth, thorough=not options.first))
    if options.json is not None:
        options.json.write_text(report.to_json())
    _print_report(report)
    return SOUND if report.sound else FOUND


async def _attack(settings: Settings, routes: Sequence[LiveRoute], depth: str, *, thorough: bool) -> Report:
    async with Stage.open(settings) as stage:
        return await attack(stage, routes, "full" if depth == "full" else "short", thorough=thorough)


@contextmanager
def _servers() -> Iterator[Settings]:
    """Give the servers that the environment names, or start some for this run."""
    running = os.environ.get(RUNNING)
    given: Mapping[str, str] | None = json.loads(running) if running else None
    for name in [name for name in os.environ if is_of_an_installation(name)]:
        del os.environ[name]
    servers = TestServers(Servers(**given) if given else None)
    try:
        yield servers.clone("matrix").settings()
    finally:
        servers.stop()


def _print_report(report: Report) -> None:
    lines = report.findings
    sys.stdout.writelines(f"{line}\n" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        sys.stdout.write(f"and {len(lines) - _MOST_LINES} more\n")
    sys.stdout.write(" ".join(f"{name}={value}" for name, value in report.figures.items()) + "\n")


def _guarded_main() -> int:
    try:
        return main()
    except Exception:  # noqa: BLE001 - whatever it is, nothing was attacked
        traceback.print_exc()
        sys.stderr.write("the attack could not run\n")
        return COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(_guarded_main())
