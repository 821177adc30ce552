"""The queue's connections, which do not lose what became of a job when the database is away for a moment."""

import asyncio
from time import monotonic
from typing import Any, Final, LiteralString

import psycopg
import structlog
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException

_PAUSE: Final = 0.5
_PATIENCE: Final = 30.0
_LAST_PATIENCE: Final = 2.0
_log: Final = structlog.get_logger(__name__)


class PatientConnector(PsycopgConnector):
    """Says again what a lost connection swallowed.

    A job that has ended and whose end was not written down would stay "doing" for as long as its
    worker lives, since that gives signs of life. What is said twice is harmless: the second time
    there is no such job, which is an error of another kind.
    """

    def __init__(self, **pool: Any) -> None:
        super().__init__(**pool)
        self._patience = _PATIENCE

    def hurry(self) -> None:
        """Wait for the database only briefly from now on.

        A worker that ends gives no more signs of life, so others run again what it could not write down.
        """
        self._patience = _LAST_PATIENCE

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a statement that returns nothing: the end of a job, a sign of life."""
        begun = monotonic()
        while True:
            try:
                await super().execute_query_async(query, **arguments)
            except ConnectorException as error:
                if not _is_passing(error) or monotonic() - begun > self._patience:
                    raise
                _log.warning("the queue is away", error=type(error.__cause__).__name__)
                await asyncio.sleep(_PAUSE)
            else:
                return


def _is_passing(error: ConnectorException) -> bool:
    """Tell whether it was the connection that failed, and others can be had."""
    return isinstance(error.__cause__, psycopg.OperationalError)
