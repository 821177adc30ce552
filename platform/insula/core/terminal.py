"""Text for a terminal: its colours and its width. A pipe, or ``NO_COLOR``, gets no colours."""

import os
import shutil
import sys
from typing import Final, Literal, TextIO

Style = Literal["green", "cyan", "yellow", "red", "dim", "bold"]
_CODES: Final = {"green": "32", "cyan": "36", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}
_PIPE_COLUMNS: Final = 100


def is_terminal(stream: TextIO) -> bool:
    """Return whether ``stream`` is a terminal that understands control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"  # noqa: TID251  a convention of terminals, no setting


def has_colours(stream: TextIO) -> bool:
    """Return whether text for ``stream`` may have colours; see https://no-color.org."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")  # noqa: TID251  as above


class Terminal:
    """Writes lines to standard output."""

    def __init__(self) -> None:
        self._has_colours = has_colours(sys.stdout)

    @property
    def columns(self) -> int:
        """The width now: a terminal can be resized."""
        return shutil.get_terminal_size((_PIPE_COLUMNS, 0)).columns

    def styled(self, text: str, style: Style) -> str:
        """Return ``text`` with the style, if there are colours."""
        return f"\033[{_CODES[style]}m{text}\033[0m" if self._has_colours else text

    def write(self, line: str) -> None:
        """Write a line at once, whole: several processes share the terminal."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def printable(text: str) -> str:
    """Return ``text`` without control characters, which could change the terminal."""
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    )
