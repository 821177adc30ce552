"""``python -m benchmarks``: what ``make bench`` calls."""

import os
from typing import Annotated

import typer

from benchmarks.load import WRK
from benchmarks.operations import OPERATIONS
from benchmarks.report import bench_json, judge, table
from benchmarks.run import Results, measure, targets_of
from benchmarks.servers import CONTESTANTS, Cores, pinned, running
from benchmarks.stage import staged

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_WARM_UP = 2.0


@app.command()
def bench(
    only: Annotated[list[str] | None, typer.Option(help="An operation to measure; repeat for more.")] = None,
    contestant: Annotated[list[str] | None, typer.Option(help="A contestant to measure; repeat for more.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="How long each time.")] = 4,
    nice: Annotated[
        int, typer.Option(min=-20, max=19, help="Priority, on a machine with company; below 0 as root.")
    ] = 0,
) -> None:
    """Measure Insula beside the others and say what its tenants cost."""
    if not WRK.exists():
        raise typer.BadParameter("wrk is missing; as root: make system-deps")
    os.nice(nice)
    cores, results = Cores.split(), Results()
    chosen = [one for one in CONTESTANTS if not contestant or one.name in contestant]
    with pinned(cores.others), staged() as stage, running(stage, chosen, cores) as servers:
        targets = targets_of(stage, servers, only or list(OPERATIONS))
        measure(targets, rounds, seconds, _WARM_UP, results)
    print(table(results))
    for line in judge(results):
        print(line)
    bench_json(results)
