"""``python -m benchmarks.faults``: the commands behind ``make faults`` and ``make bench-...``."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.faults import bodies, dependencies, fairness, redis
from benchmarks.faults.environment import running
from benchmarks.faults.table import Table
from benchmarks.faults.testbed import Testbed, start_testbed, temporary_directory
from benchmarks.machine import machine, versions
from benchmarks.proc import set_priority
from insula.core.settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_HERE: Final = Path(__file__).parent
_BUILD: Final = _HERE.parents[1] / "build"
_PROCESSES: Final = 2

_Save = Annotated[bool, typer.Option("--save", help="Keep the figures in benchmarks/results/.")]
_Nice = Annotated[int, typer.Option(min=-20, max=19, help="Priority on a busy machine; below 0 only as root.")]
_Short = Annotated[bool, typer.Option("--short", help="A short run of seconds, to see that it works.")]
_Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="dependency or dependency:fault, with * as wildcard; repeat for more."),
]


@app.command("redis")
def bench_redis(nice: _Nice = 0, *, short: _Short = False, save: _Save = False) -> None:
    """Break Redis in four ways under load, and print the effect on requests."""
    pace = redis.SHORT if short else redis.LONG
    _run("redis_faults", _PROCESSES, lambda testbed: redis.measure(testbed, pace), nice, save=save)


@app.command("fairness")
def bench_fairness(nice: _Nice = 0, *, short: _Short = False, save: _Save = False) -> None:
    """Let one tenant send 20 times its limit, and print the effect on other tenants."""
    pace = fairness.SHORT if short else fairness.LONG
    _run("fairness", 1, lambda testbed: fairness.measure(testbed, pace), nice, save=save)


@app.command("bodies")
def bench_bodies(nice: _Nice = 0, *, short: _Short = False, save: _Save = False) -> None:
    """Send the worst bodies, and print the effect on other requests."""
    pace = bodies.SHORT if short else bodies.LONG
    _run("bodies", 1, lambda testbed: bodies.measure(testbed, pace), nice, save=save)


@app.command("dependencies")
def bench_dependencies(only: _Only = None, nice: _Nice = 0, *, short: _Short = False, save: _Save = False) -> None:
    """Break PostgreSQL, each role's pool, Valkey, SMTP and the name server in every way, and print the effects."""
    pace = dependencies.SHORT if short else dependencies.LONG
    _BUILD.mkdir(exist_ok=True)
    with temporary_directory() as directory, running(directory, _BUILD) as env:
        chosen = dependencies.cases(env, pace, only or ())
        if not chosen:
            raise typer.BadParameter("no dependency:fault matches", param_hint="--only")
        if nice:
            set_priority(os.getpid(), nice)
        table = asyncio.run(dependencies.measure(env, chosen, pace, typer.echo))
        about = _about(env.settings)
    _keep("faults", table, about, save=save)
    rows = [{column: row[column] for column in dependencies.COLUMNS} for row in table.rows]
    (_BUILD / "faults.json").write_text(json.dumps(rows, indent=2) + "\n")
    raise typer.Exit(bool(table.missed))


def _run(name: str, processes: int, measure: Callable[[Testbed], Awaitable[Table]], nice: int, *, save: bool) -> None:
    with start_testbed(processes) as testbed:
        if nice:
            set_priority(os.getpid(), nice)
        table = asyncio.run(_measured(testbed, measure))
        about = _about(testbed.settings)
    _keep(name, table, about, save=save)
    raise typer.Exit(bool(table.missed))


async def _measured(testbed: Testbed, measure: Callable[[Testbed], Awaitable[Table]]) -> Table:
    return await measure(testbed)


def _about(settings: Settings) -> dict[str, Mapping[str, str]]:
    return {"machine": machine(), "versions": asyncio.run(versions(settings.database_url))}


def _keep(name: str, table: Table, about: Mapping[str, Mapping[str, str]], *, save: bool) -> None:
    text = f"{', '.join(about['machine'].values())}.\n\n{table.to_markdown()}\n"
    typer.echo(text)
    for directory in [_BUILD, *([_HERE.parent / "results"] if save else [])]:
        directory.mkdir(exist_ok=True)
        (directory / f"{name}.json").write_text(json.dumps({**about, **table.to_json()}, indent=2) + "\n")
        (directory / f"{name}.md").write_text(text)


if __name__ == "__main__":
    app()
