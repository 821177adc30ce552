"""``python -m benchmarks.faults``: what ``make bench-redis`` and ``make bench-fairness`` call."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.faults import fairness, redis
from benchmarks.faults.stage import Stage, staged
from benchmarks.faults.table import Table
from benchmarks.machine import machine, versions
from benchmarks.proc import prefer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_HERE: Final = Path(__file__).parent
_BUILD: Final = _HERE.parents[1] / "build"
_PROCESSES: Final = 2

_Save = Annotated[bool, typer.Option("--save", help="Keep the figures in benchmarks/results/.")]
_Nice = Annotated[int, typer.Option(min=-20, max=19, help="Priority, on a machine with company; below 0 as root.")]
_Short = Annotated[bool, typer.Option("--short", help="Seconds in place of minutes: to see that it runs.")]


@app.command("redis")
def bench_redis(nice: _Nice = 0, *, short: _Short = False, save: _Save = False) -> None:
    """Take Redis away in four ways under load, and say what requests saw of it."""
    pace = redis.SHORT if short else redis.LONG
    _run("redis_faults", _PROCESSES, lambda stage: redis.measure(stage, pace), nice, save=save)


@app.command("fairness")
def bench_fairness(nice: _Nice = 0, *, short: _Short = False, save: _Save = False) -> None:
    """Let one tenant ask 20 times what it may, and say what its neighbours saw of it."""
    pace = fairness.SHORT if short else fairness.LONG
    _run("fairness", 1, lambda stage: fairness.measure(stage, pace), nice, save=save)


def _run(name: str, processes: int, measure: Callable[[Stage], Awaitable[Table]], nice: int, *, save: bool) -> None:
    with staged(processes) as stage:
        if nice:
            prefer(os.getpid(), nice)
        table = asyncio.run(_measured(stage, measure))
        about = {"machine": machine(), "versions": asyncio.run(versions(stage.settings.database_url))}
    text = f"{', '.join(about['machine'].values())}.\n\n{table.to_markdown()}\n"
    typer.echo(text)
    for directory in [_BUILD, *([_HERE.parent / "results"] if save else [])]:
        directory.mkdir(exist_ok=True)
        (directory / f"{name}.json").write_text(json.dumps({**about, **table.to_json()}, indent=2) + "\n")
        (directory / f"{name}.md").write_text(text)
    raise typer.Exit(bool(table.missed))


async def _measured(stage: Stage, measure: Callable[[Stage], Awaitable[Table]]) -> Table:
    return await measure(stage)


if __name__ == "__main__":
    app()
