"""Failures as one clear line on standard error."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import asyncpg
import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from insula.embedded import EmbeddedError

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CommandFailed(Exception):
    """The command cannot do its work; the message is one line for a person."""


@contextmanager
def one_clear_line() -> Iterator[None]:
    """Turn what a person can mend into one line and exit status 1; anything else keeps its traceback."""
    for number in _STOPPING:
        signal.signal(number, _leave)
    try:
        yield
    except (CommandFailed, EmbeddedError, PermissionError) as error:
        _say(str(error))
    except ValidationError as error:
        first = error.errors()[0]
        _say(f"the setting {'.'.join(str(part) for part in first['loc'])} is wrong: {first['msg']}")
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError, TimeoutError) as error:
        _say(f"the database: {' '.join(str(error).split()) or type(error).__name__}")


def _leave(number: int, _frame: FrameType | None) -> None:
    """Unwind, once: a second Ctrl-C must not leave half of what is being stopped."""
    for stopping in _STOPPING:
        signal.signal(stopping, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _say(message: str) -> None:
    typer.echo(f"insula: {message}", err=True)
    raise typer.Exit(1)
