"""The proof's output: each part when it ends, its findings, and the figures."""

import sys
from collections.abc import Iterable, Iterator

from tests.proof.figures import Figures
from tests.proof.results import Result

_WIDTH = 22


def say(line: str = "") -> None:
    """Print a line and flush, because parts take minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_part(name: str, seconds: float, lines: Iterable[str] = ()) -> None:
    """Print that a part has ended, and its findings."""
    say(f"{name:<{_WIDTH}} {seconds:7.1f} s")
    for line in lines:
        say(f"    {line}")


def say_alive(results: Iterable[Result]) -> Iterator[Result]:
    """Print each mutant that was not killed, with the suite that should have killed it, as soon as it is known."""
    for result in results:
        if result.verdict != "killed":
            say(f"{result.verdict}: {result.mutant} [{result.suite}] {result.detail}")
        yield result


def say_figures(figures: Figures) -> None:
    """Print all figures, one per line."""
    say()
    for name, value in figures.to_json().items():
        shown = len(value) if isinstance(value, (list, tuple)) else value
        say(f"{name:<{_WIDTH}} {'not run' if shown is None else shown:>9}")
