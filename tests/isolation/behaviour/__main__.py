"""Probe by hand, or for ``make prove``. Exit codes: 0 no finding, 1 findings, 3 the probe could not run."""

import argparse
import asyncio
import json
import os
import sys
import traceback
from pathlib import Path

from tests.isolation.behaviour import TableReport, behave
from tests.support.cluster import RUNNING, Servers, TestServers


def main() -> int:
    """Run on the servers that the environment names, or on servers of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.isolation.behaviour", description=__doc__)
    parser.add_argument("--table", action="append", default=[], help="probe this table only; may be repeated")
    parser.add_argument("--json", type=Path, help="write the report here")
    options = parser.parse_args()
    try:
        report = _run(options.table)
    except Exception:  # noqa: BLE001  # whatever stopped it, it proved nothing
        traceback.print_exc()
        return 3
    if options.json is not None:
        options.json.write_text(json.dumps(report.to_json(), indent=2))
    for line in report.failures:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(
        f"{report.tables_passed} of {report.tables} tables, {report.attempts} attempts, "
        f"{report.controls_passed} of {report.controls} controls\n"
    )
    return 0 if report.sound else 1


def _run(tables: list[str]) -> TableReport:
    running = os.environ.get(RUNNING)
    servers = TestServers(Servers(**json.loads(running)) if running else None)
    try:
        return asyncio.run(behave(servers.clone("behaviour").settings(), tables))
    finally:
        servers.stop()


if __name__ == "__main__":
    sys.exit(main())
