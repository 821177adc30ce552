"""Prints failures on standard error, without a traceback."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

import asyncpg
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from sqlalchemy.exc import SQLAlchemyError

from insula.core.errors import ManifestError, NoInstallation
from insula.core.variables import variable_of
from insula.db.engine.address import InvalidAddress
from insula.db.engine.roles import RolesSecretMissing
from insula.db.migrate.revisions import DatabaseTooOld
from insula.db.schema.branches import BranchError
from insula.dev.embedded import EmbeddedError, with_cure

STOPPING: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""The signals that end a command."""


class CommandFailed(Exception):
    """The command failed; the message is for the user."""


@contextmanager
def report_errors() -> Iterator[None]:
    """Print an error that the user can fix, and exit with status 1; other errors keep their traceback."""
    for number in STOPPING:
        signal.signal(number, leave)
    try:
        yield
    except (
        BranchError,
        CommandFailed,
        EmbeddedError,
        InvalidAddress,
        ManifestError,
        NoInstallation,
        DatabaseTooOld,
        RolesSecretMissing,
    ) as error:
        _say(str(error))
    except ValidationError as error:
        _say(wrong_setting(error))
    except SettingsError as error:
        _say(f"a setting cannot be read: {' '.join(str(error).split())}")
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError, TimeoutError) as error:
        _say(f"the database: {_database_error(error)}")
    except OSError as error:
        if error.filename is None:
            raise
        _say(with_cure(f"cannot use {error.filename}: {error.strerror}"))


def wrong_setting(error: ValidationError) -> str:
    """Return a message that names the variable but not its value, which may be a secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        reason = "there is no such setting (see .env.example)"
    variable = variable_of(first["loc"])
    return f"{variable} is wrong: {reason}" if variable else reason


def _database_error(error: BaseException) -> str:
    """Return the database's error in one line, with a known fix."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, asyncpg.InvalidAuthorizationSpecificationError):
            fix = "`insula migrate` creates the roles; their passwords follow from INSULA_DATABASE_ROLES_SECRET"
            return f"{' '.join(str(cause).split())}: {fix}"
        cause = cause.__cause__
    return " ".join(str(error).split()) or type(error).__name__


def leave(number: int, _frame: FrameType | None = None) -> NoReturn:
    """Exit with cleanup, once: a second Ctrl-C must not interrupt the cleanup."""
    for stopping in STOPPING:
        signal.signal(stopping, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _say(message: str) -> None:
    typer.echo(f"insula: {message}", err=True)
    raise typer.Exit(1)
