"""Profiles a contestant's web process with py-spy, under the load of one operation."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.load import burst
from benchmarks.run import targets_of, warm
from benchmarks.servers import Contestant, Cores, running, workers_of
from benchmarks.testbed import Testbed

_BUILD: Final = Path(__file__).parent.parent / "build"
_RATE: Final = "400"
_OURS: Final = ("(insula/", "(tenants/", "(benchmarks/")
_SHOWN: Final = 30


def profile(testbed: Testbed, contestant: Contestant, cores: Cores, only: Sequence[str], seconds: float) -> None:
    """Write ``build/profile-*.txt`` (for speedscope.app, or any flame graph) and print the most expensive functions."""
    with running(testbed, [contestant], cores.application) as servers:
        for operation, targets in targets_of(testbed, servers, only).items():
            target, path = targets[contestant.name], _BUILD / f"profile-{contestant.name}-{operation}.txt"
            warm(target, seconds)
            spy = [str(Path(sys.executable).with_name("py-spy")), "record", "--format", "raw", "--rate", _RATE]
            spy += ["--nolineno", "--duration", f"{seconds:.0f}", "--output", str(path)]
            spy += ["--pid", str(workers_of(servers[0])[0])]
            with subprocess.Popen(spy, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):  # noqa: S603  # a fixed program
                burst(target, seconds + 1)
            print(f"\n## {operation} ({path})\n\n{tables(path.read_text())}")


def tables(collapsed: str) -> str:
    """Return the most expensive packages, functions (own time), and functions of ours (total time)."""
    packages: Counter[str] = Counter()
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for frames, samples in _stacks(collapsed):
        packages[frames[-1].rpartition("(")[2].partition("/")[0]] += samples
        own[frames[-1]] += samples
        for frame in set(frames):
            if any(ours in frame for ours in _OURS):
                total[frame] += samples
    all_samples = own.total() or 1
    found = (("package", packages), ("function, own time", own), ("our function, total time", total))
    return "\n\n".join(_table(title, counter, all_samples) for title, counter in found)


def _stacks(collapsed: str) -> Iterator[tuple[list[str], int]]:
    for line in collapsed.splitlines():
        stack, _, samples = line.rpartition(" ")
        if stack and samples.isdigit():
            yield stack.split(";"), int(samples)


def _table(title: str, counter: Counter[str], total: int) -> str:
    rows = [f"| {samples / total:6.1%} | {frame} |" for frame, samples in counter.most_common(_SHOWN)]
    return "\n".join([f"| | {title} |", "|---:|---|", *rows])
