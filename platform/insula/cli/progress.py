"""Shows on standard error how far a command is: a line that moves in a terminal, and finished steps in a pipe."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from insula.core.terminal import is_terminal

_CLEAR_LINE = "\r\033[K"
Say = Callable[[str], None]


@contextmanager
def step(doing: str, done: str) -> Iterator[Say]:
    """Show ``doing`` while the block runs, and then ``done`` and the seconds. Yield a function that shows a detail."""
    console, started = _console(), time.monotonic()
    if is_terminal(sys.stderr):
        sys.stderr.write(_CLEAR_LINE)
    with console.status(escape(doing)) as status:
        yield lambda detail: status.update(f"{escape(doing)} [dim]{escape(detail)}[/dim]")
    console.print(f"[green]✓[/green] {escape(done)} [dim]{time.monotonic() - started:.1f} s[/dim]")


def note(text: str, *, over_echo: bool = False) -> None:
    """Write one line; with ``over_echo`` in place of the ^C that a terminal shows for Ctrl-C."""
    if over_echo and is_terminal(sys.stderr):
        sys.stderr.write(_CLEAR_LINE)
    _console().print(text, markup=False)


def _console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)
