"""The outcome of one statement."""

from dataclasses import dataclass
from typing import Self

import asyncpg
from sqlalchemy.exc import DBAPIError

DENIED = "42501"  # insufficient_privilege: a grant, a policy or a trigger refuses
UNSUPPORTED = "0A000"  # feature_not_supported: COPY FROM under row-level security, a direct call of a trigger function
MISSING = "23503"  # foreign_key_violation
TAKEN = "23505"  # unique_violation


@dataclass(frozen=True)
class Outcome:
    """How many rows a statement reached, or why the database refused it."""

    rows: int | None
    state: str = ""
    constraint: str | None = None
    message: str = ""

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Return the outcome of a statement that raised; errors that the database did not answer are raised again."""
        cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error
        if not isinstance(cause, asyncpg.PostgresError) or isinstance(cause, asyncpg.PostgresConnectionError):
            raise error
        return cls(None, str(cause.sqlstate), cause.constraint_name, str(cause))

    @property
    def denied(self) -> bool:
        """Whether it was refused for lack of a right."""
        return self.state == DENIED

    def __str__(self) -> str:
        return f"{self.state} {self.message}" if self.state else f"reaches {self.rows} rows"
