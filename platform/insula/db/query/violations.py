"""Translates violated constraints into errors: with concurrent requests only the database can check them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from insula.core.errors import AppError
from insula.db.engine.failures import constraint_of


@contextmanager
def violations_as(violations: Mapping[str, type[AppError]]) -> Iterator[None]:
    """Raise the error that ``violations`` maps to a constraint, if a flush in the block violates it."""
    try:
        yield
    except IntegrityError as violation:
        error = violations.get(constraint_of(violation) or "")
        if error is None:
            raise
        raise error from violation
