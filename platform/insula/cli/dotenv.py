"""Reads ``.env``: a file with a line ``NAME=value`` for each setting of a developer's machine."""

import os
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

FILE: Final = Path(".env")


class UnreadableFile(Exception):
    """The file cannot be read; the message says why."""


def load_file(path: Path) -> None:
    """Add the variables of the file at ``path`` to the environment. Variables that are already set keep their value.

    Values are literal: nothing in them is replaced. Raises UnreadableFile.
    """
    try:
        with path.open(encoding="utf-8") as text:
            lines = list(parse_stream(text))
    except FileNotFoundError:
        return
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"cannot read {path}: it is no UTF-8 text") from error
    for line in lines:
        if line.error or (line.key is not None and line.value is None):
            blank = line.original.string.partition(line.original.string.lstrip())[0].count("\n")
            raise UnreadableFile(f"{path}, line {line.original.line + blank}: write NAME=value, or # before a comment")
        if line.key is not None and line.value is not None:
            os.environ.setdefault(line.key, line.value)  # noqa: TID251  settings and child processes read them there
