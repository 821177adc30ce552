"""Translates the database's errors into errors for callers."""

import re
from typing import Final

from asyncpg import exceptions as driver
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from insula.core.errors import AppError, PreconditionFailed, Unavailable

_RETRYABLE: Final = (
    driver.SerializationError,
    driver.DeadlockDetectedError,
    driver.InvalidCachedStatementError,  # the first use of a plan after a migration; the dialect then drops its caches
    driver.OutdatedSchemaCacheError,
)
_UNAVAILABLE: Final = (
    *_RETRYABLE,
    driver.PostgresConnectionError,
    driver.InsufficientResourcesError,
    driver.OperatorInterventionError,
    driver.LockNotAvailableError,
    driver.ReadOnlySQLTransactionError,
    driver.IdleInTransactionSessionTimeoutError,
    driver.InternalClientError,  # the server sent its last message on an idle connection, and closed it
    ConnectionError,
    TimeoutError,
)
_SHARD: Final = re.compile(r"_\d{6,}\Z")
"""What Citus appends to the names of a shard's constraints."""
UNREACHABLE: Final = (
    SQLAlchemyError,
    driver.PostgresError,
    driver.InterfaceError,
    driver.InternalClientError,
    OSError,
    Unavailable,
)
"""Errors of a database that is down, silent or shutting down, for callers that can continue without it."""


def _cause(error: BaseException) -> BaseException | None:
    """Return the driver's own error under SQLAlchemy's wrappers."""
    if not isinstance(error, StatementError):
        return error
    original = error.orig
    return original.__cause__ or original if original is not None else None


def is_retryable(error: BaseException) -> bool:
    """Return whether the whole transaction may succeed if it is run again."""
    return isinstance(_cause(error), _RETRYABLE)


def translate(error: BaseException) -> AppError | None:
    """Return the error that the caller should see, or None if the error is a bug."""
    if isinstance(error, StaleDataError):
        return PreconditionFailed()
    if isinstance(error, PoolTimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return Unavailable()
    cause = _cause(error)
    if isinstance(cause, _UNAVAILABLE):
        return Unavailable()
    return None


def constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the constraint that the statement violated, without the number of a Citus shard."""
    name = getattr(_cause(error), "constraint_name", None)
    return _SHARD.sub("", name) if isinstance(name, str) else None


def detail_of(error: IntegrityError) -> str:
    """Return the detail that the server gave, or an empty string."""
    detail = getattr(_cause(error), "detail", None)
    return detail if isinstance(detail, str) else ""
