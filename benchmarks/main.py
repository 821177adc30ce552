"""``python -m benchmarks``: the command behind ``make bench``."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.extras import measure_memory, measure_paced, measure_tax, measure_workers
from benchmarks.load import WRK
from benchmarks.machine import machine, versions
from benchmarks.operations import OPERATIONS
from benchmarks.profile import profile
from benchmarks.report import Report
from benchmarks.run import Results, measure, targets_of
from benchmarks.servers import CONTESTANTS, INSULA, Cores, pinned, running
from benchmarks.testbed import Testbed, start_testbed

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_HERE: Final = Path(__file__).parent
_BUILD: Final = _HERE.parent / "build"
_WARM_UP: Final = 2.0
_FEW: Final = 5
"""The largest number of rounds of the further measurements."""

_Only = Annotated[list[str] | None, typer.Option(help="An operation; repeat for more. Skips the further measurements.")]
_Contestant = Annotated[list[str] | None, typer.Option(help="A contestant; repeat for more.")]
_Rounds = Annotated[int, typer.Option(min=1, help="How often each is measured.")]
_Seconds = Annotated[float, typer.Option(min=1, help="Seconds of each measurement.")]
_Nice = Annotated[int, typer.Option(min=-20, max=19, help="Priority on a busy machine; below 0 only as root.")]
_Save = Annotated[bool, typer.Option("--save", help="Keep the figures in benchmarks/results/.")]
_Profile = Annotated[
    bool, typer.Option("--profile", help="Profile the product, or the named contestants, under load instead.")
]


@app.command()
def bench(  # noqa: PLR0913  # the command's options
    only: _Only = None,
    contestant: _Contestant = None,
    rounds: _Rounds = 9,
    seconds: _Seconds = 1,
    nice: _Nice = 0,
    *,
    save: _Save = False,
    profiled: _Profile = False,
) -> None:
    """Measure Insula and the other contestants, and print the cost of tenancy."""
    if not WRK.exists():
        raise typer.BadParameter("wrk is missing; as root: make system-deps")
    os.nice(nice)
    _BUILD.mkdir(exist_ok=True)
    cores, chosen = Cores.split(), [one for one in CONTESTANTS if not contestant or one.name in contestant]
    with pinned(cores.others), start_testbed() as testbed:
        if profiled:
            for one in chosen if contestant else [INSULA]:
                profile(testbed, one, cores, only or list(one.operations), seconds)
            return
        results = Results()
        with running(testbed, chosen, cores.application) as servers:
            targets = targets_of(testbed, servers, only or list(OPERATIONS))
            measure(targets, rounds, seconds, _WARM_UP, results)
            measure_memory(servers, results)
            if not only:
                measure_tax(targets, results)
                measure_paced(targets["read"], min(rounds, _FEW), results)
        if not only and INSULA in chosen:
            measure_workers(testbed, cores, min(rounds, _FEW), seconds, results)
        report = _report(testbed, rounds, seconds, results)
    _publish(report, save=save)


def _report(testbed: Testbed, rounds: int, seconds: float, results: Results) -> Report:
    return Report(machine(), asyncio.run(versions(testbed.settings.database_url)), rounds, seconds, results)


def _publish(report: Report, *, save: bool) -> None:
    text, figures = report.to_markdown(), json.dumps(report.to_json(), indent=1) + "\n"
    (_BUILD / "bench.json").write_text(figures)
    print(f"\n{text}")
    if save:
        saved = _HERE / "results" / f"{report.machine['date']}.json"
        saved.parent.mkdir(exist_ok=True)
        saved.write_text(figures)
        saved.with_suffix(".md").write_text(f"# make bench, {report.machine['date']}\n\n{text}")
    if not report.quiet:
        print(f"The machine was not quiet: {report.foreign:.0%} of it was used by other programs. Run it again.")
    if report.missed:
        print(f"Missed: {', '.join(report.missed)}")
