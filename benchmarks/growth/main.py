"""``python -m benchmarks.growth``: the command behind ``make bench-growth``."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.growth.filling import exists, fill, maintenance_url, megabytes
from benchmarks.growth.measuring import Bench, Subject
from benchmarks.growth.migrating import migration_seconds
from benchmarks.growth.people import sign_in
from benchmarks.growth.plans import plans_of
from benchmarks.growth.report import Filled, Report
from benchmarks.growth.size import Size
from benchmarks.growth.testbed import Testbed, start_testbed
from benchmarks.load import WRK
from benchmarks.machine import machine, versions
from benchmarks.servers import Cores, pinned
from insula.apps import load
from insula.db.migrate.run import migrate

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_BENCHMARKS: Final = Path(__file__).parents[1]
_BUILD: Final = _BENCHMARKS.parent / "build"
_CUSTOM_ROLES: Final = (1, 10)

_Steps = Annotated[str, typer.Option(help="Numbers of tenants, in ascending order, separated by commas.")]
_Items = Annotated[int, typer.Option(min=20, help="Items of each tenant, a multiple of 20.")]
_Touched = Annotated[
    int, typer.Option(min=20, help="People who send one request each to fill the caches; more than are cached.")
]
_People = Annotated[int, typer.Option(min=10, help="Callers who repeat their requests.")]
_Rounds = Annotated[int, typer.Option(min=1, help="How often each operation is measured.")]
_Starts = Annotated[int, typer.Option(min=1, help="How often a process is started for cold requests.")]
_Seconds = Annotated[float, typer.Option(min=1, help="How long each burst is.")]
_Keep = Annotated[Path | None, typer.Option(help="A directory for the databases, kept for the next run.")]
_Save = Annotated[bool, typer.Option("--save", help="Keep the figures in benchmarks/results/.")]


@app.command()
def grow(  # noqa: PLR0913, PLR0917  # the command's options
    steps: _Steps = "10,1000,100000",
    items: _Items = 100,
    touched: _Touched = 32_000,
    people: _People = 1_000,
    rounds: _Rounds = 10,
    starts: _Starts = 6,
    seconds: _Seconds = 1,
    keep: _Keep = None,
    *,
    save: _Save = False,
) -> None:
    """Measure the product on databases of several sizes, and print how the cost of a request grows."""
    if not WRK.exists():
        raise typer.BadParameter("wrk is missing; as root: make system-deps")
    sizes = _sizes([int(step) for step in steps.split(",")], items)
    how = {"touched": touched, "people": people, "rounds": rounds, "starts": starts, "seconds": seconds}
    cores = Cores.split()
    with start_testbed(keep) as testbed:
        filled = {size: _filled(testbed, size, number) for number, size in enumerate(sizes)}
        largest = max(sizes, key=lambda size: size.tenants)
        subjects = [
            _subject(testbed, size, number, touched if size is largest else people) for number, size in enumerate(sizes)
        ]
        bench = Bench(testbed, subjects, people, seconds, cores)
        with pinned(cores.others):
            plans = {one.size: plans_of(testbed, one, cores.application) for one in subjects}
            _measure(bench, rounds, starts, [subjects[0], subjects[sizes.index(largest)]])
        settings = testbed.settings(largest, sizes.index(largest))
        migrations = migration_seconds(settings)
        program_versions = asyncio.run(versions(settings.database_url))
    _publish(Report(machine(), program_versions, how, sizes, filled, bench.results, plans, migrations), save=save)


def _measure(bench: Bench, rounds: int, starts: int, memory_subjects: Sequence[Subject]) -> None:
    for number in range(starts):
        print(f"  {number + 1}/{starts} cold", flush=True)
        for subject in bench.subjects:
            bench.measure_cold(subject, number)
    bench.measure_warm(rounds)
    for subject in memory_subjects:
        bench.measure_memory(subject)


def _sizes(steps: Sequence[int], items: int) -> list[Size]:
    """Return a size for each step, and the middle one with custom roles."""
    middle = steps[len(steps) // 2]
    return [*(Size(step, items) for step in steps), *(Size(middle, items, roles) for roles in _CUSTOM_ROLES)]


def _filled(testbed: Testbed, size: Size, number: int) -> Filled:
    settings = testbed.settings(size, number)
    seconds = 0.0
    if asyncio.run(exists(settings, maintenance_url(settings))):
        migrate(settings, load().database)
    else:
        print(f"  filling {size.name}", flush=True)
        seconds = asyncio.run(fill(settings, size))
    return Filled(asyncio.run(megabytes(settings)), seconds)


def _subject(testbed: Testbed, size: Size, number: int, people: int) -> Subject:
    settings = testbed.settings(size, number)
    return Subject(size, settings, asyncio.run(sign_in(settings, size, people)))


def _publish(report: Report, *, save: bool) -> None:
    text, figures = report.to_markdown(), json.dumps(report.to_json(), indent=1) + "\n"
    _BUILD.mkdir(exist_ok=True)
    (_BUILD / "bench-growth.json").write_text(figures)
    print(f"\n{text}")
    if save:
        saved = _BENCHMARKS / "results" / f"growth-{report.machine['date']}.json"
        saved.parent.mkdir(exist_ok=True)
        saved.write_text(figures)
        saved.with_suffix(".md").write_text(f"# make bench-growth, {report.machine['date']}\n\n{text}")
