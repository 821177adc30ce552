"""Measures the CPU that the mount shortcut saves per read; ``make bench-shortcut`` runs it.

One process serves, and the shortcut is switched on and off between bursts, because two processes of the same code
differ by more than the expected gain. Neighbouring bursts form a pair; every second pair is in reverse order.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist, mean, stdev
from typing import Annotated, Final

import typer

from benchmarks.load import WRK, Burst, burst
from benchmarks.machine import machine, versions
from benchmarks.run import targets_of, warm
from benchmarks.servers import Contestant, Cores, Running, pinned, running
from benchmarks.stage import staged

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
SWITCHED: Final = Contestant("switched", "the product, its mount shortcut on and off", ("read",), script="switched")
BAR: Final = 0.05
"""The part of a read's CPU that the shortcut must save to be kept."""
_HERE: Final = Path(__file__).parent
_BUILD: Final = _HERE.parent / "build"
_PATIENCE: Final = 5.0

_Pairs = Annotated[int, typer.Option(min=3, help="How many pairs of bursts.")]
_Seconds = Annotated[float, typer.Option(min=1, help="How long each burst.")]
_Nice = Annotated[int, typer.Option(min=-20, max=19, help="Priority on a busy machine; below 0 only as root.")]
_Save = Annotated[bool, typer.Option("--save", help="Keep the figures in benchmarks/results/.")]


@dataclass(frozen=True, slots=True)
class Gain:
    """The saving of the shortcut: the mean over the pairs, and its 95 % interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Gain":
        """Return the mean of ``values`` and Student's interval."""
        middle, degrees = mean(values), len(values) - 1
        normal = NormalDist().inv_cdf(0.975)
        # Student's quantile computed from the normal one, accurate to a hundredth from ten pairs on.
        student = normal + (normal**3 + normal) / (4 * degrees)
        student += (5 * normal**5 + 16 * normal**3 + 3 * normal) / (96 * degrees**2)
        half = student * stdev(values) / len(values) ** 0.5
        return cls(middle, middle - half, middle + half)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The pairs of one run, in microseconds of the application's CPU for each read."""

    without: Sequence[float]
    with_it: Sequence[float]
    foreign: float
    """The part of the machine that other programs used."""

    @property
    def microseconds(self) -> Gain:
        """The microseconds saved per read."""
        return Gain.of([long - short for long, short in zip(self.without, self.with_it, strict=True)])

    @property
    def share(self) -> Gain:
        """The saving as a part of the read's CPU without the shortcut."""
        return Gain.of([(long - short) / long for long, short in zip(self.without, self.with_it, strict=True)])

    def to_markdown(self) -> str:
        """Return the figures as a table and a sentence."""
        spared, share = self.microseconds, self.share
        rows = (
            ("CPU of a read", "without", "with", "spared", "interval of 95 %"),
            ("---", "---:", "---:", "---:", "---"),
            (
                "µs",
                f"{mean(self.without):.1f}",
                f"{mean(self.with_it):.1f}",
                f"{spared.mean:.1f}",
                f"{spared.low:.1f} to {spared.high:.1f}",
            ),
            ("part", "", "", f"{share.mean:.2%}", f"{share.low:.2%} to {share.high:.2%}"),
        )
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        run = f"{len(self.without)} pairs; others used {self.foreign:.1%} of the machine."
        verdict = f"The interval must lie above {BAR:.0%}: the shortcut {'stays' if share.low > BAR else 'goes'}."
        return f"{table}\n\n{run} {verdict}"


@app.command()
def shortcut(pairs: _Pairs = 48, seconds: _Seconds = 1, nice: _Nice = 0, *, save: _Save = False) -> None:
    """Read with and without the mount shortcut in turn, and print its saving."""
    if not WRK.exists():
        raise typer.BadParameter("wrk is missing; as root: make system-deps")
    os.nice(nice)
    _BUILD.mkdir(exist_ok=True)
    cores = Cores.split()
    with pinned(cores.others), staged() as stage, running(stage, [SWITCHED], cores.application) as [server]:
        target = targets_of(stage, [server], ["read"])["read"][SWITCHED.name]
        warm(target, seconds)
        bursts: dict[bool, list[Burst]] = {True: [], False: []}
        for number in range(pairs):
            for on in (True, False) if number % 2 == 0 else (False, True):
                _switch(server, on=on)
                bursts[on].append(burst(target, seconds))
            short, long = (bursts[on][-1].app_cpu_us for on in (True, False))
            print(f"  {number + 1}/{pairs} read  with {short:6.1f} µs  without {long:6.1f} µs", flush=True)
        told = asyncio.run(versions(stage.settings.database_url))
    foreign = mean(one.foreign for several in bursts.values() for one in several)
    without, with_it = ([one.app_cpu_us for one in bursts[on]] for on in (False, True))
    outcome = Outcome(without, with_it, foreign)
    _tell(outcome, {"machine": machine(), "versions": told}, save=save)


def _switch(server: Running, *, on: bool) -> None:
    """Switch the shortcut, and wait until the server confirms it."""
    written = server.log.stat().st_size
    os.kill(server.pid, signal.SIGUSR1 if on else signal.SIGUSR2)
    deadline = time.monotonic() + _PATIENCE
    while (b"shortcut on\n" if on else b"shortcut off\n") not in _after(server.log, written):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server does not switch: {server.log.read_text()[-2000:]}")
        time.sleep(0.01)


def _after(log: Path, written: int) -> bytes:
    with log.open("rb") as file:
        file.seek(written)
        return file.read()


def _tell(outcome: Outcome, about: dict[str, object], *, save: bool) -> None:
    text = outcome.to_markdown()
    gains = {"microseconds": asdict(outcome.microseconds), "share": asdict(outcome.share)}
    told = json.dumps({**about, **asdict(outcome), **gains}, indent=1) + "\n"
    (_BUILD / "shortcut.json").write_text(told)
    print(f"\n{text}")
    if save:
        kept = _HERE / "results" / "shortcut.json"
        kept.write_text(told)
        kept.with_suffix(".md").write_text(f"# make bench-shortcut\n\n{text}\n")


if __name__ == "__main__":
    app()
