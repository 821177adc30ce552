"""Draw what a program wrote to a terminal: ``terminal_picture.py CAPTURE PICTURE.svg`` for the README's picture.

``script --command "make run" CAPTURE`` records a capture; make the terminal 100 columns wide.
"""

import re
import sys
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

_COLUMNS: Final = 100
_MOVES: Final = re.compile(r"\x1b\[[0-9;?]*[A-HJKSTfhlsu]")
_UP: Final = re.compile(r"\x1b\[(\d*)A")
_FONTS: Final = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def screen(capture: str) -> list[str]:
    """Return the lines that are left, with their colours: without those that were overwritten."""
    lines: list[str] = []
    for written in capture.replace("\r\n", "\n").split("\n"):
        for _ in _UP.findall(written):
            del lines[-1:]
        line = _MOVES.sub("", written.rpartition("\r")[2])
        lines.append(line.removeprefix("^C"))
    return lines


def main(capture: str, picture: str) -> None:
    """Write ``picture`` from ``capture``."""
    console = Console(record=True, width=_COLUMNS, file=StringIO(), force_terminal=True)
    for line in screen(Path(capture).read_bytes().decode(errors="replace")):
        console.print(Text.from_ansi(line, no_wrap=True, overflow="crop"))
    svg = console.export_svg(title="make run")
    Path(picture).write_text(_FONTS.sub("", svg))  # they would be loaded from another site


if __name__ == "__main__":
    main(*sys.argv[1:])
