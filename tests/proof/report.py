"""What the proof prints: each part as it ends, what was found, and the figures."""

import sys
from collections.abc import Iterable, Iterator

from tests.proof.figures import Figures
from tests.proof.results import Result

_WIDTH = 22


def say(line: str = "") -> None:
    """Print a line at once: parts take minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_part(name: str, seconds: float, lines: Iterable[str] = ()) -> None:
    """Say that a part has ended, and what it found."""
    say(f"{name:<{_WIDTH}} {seconds:7.1f} s")
    for line in lines:
        say(f"    {line}")


def say_alive(results: Iterable[Result]) -> Iterator[Result]:
    """Say of each mutant that was not killed who should have, as soon as it is known."""
    for result in results:
        if result.verdict != "killed":
            say(f"{result.verdict}: {result.mutant} [{result.suite}] {result.said}")
        yield result


def say_figures(figures: Figures) -> None:
    """Say all figures, one a line."""
    say()
    for name, value in figures.to_json().items():
        shown = len(value) if isinstance(value, (list, tuple)) else value
        say(f"{name:<{_WIDTH}} {'not run' if shown is None else shown:>9}")
