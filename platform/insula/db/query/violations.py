"""Translates violated constraints into errors: with concurrent requests only the database can check them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from insula.core.errors import AppError
from insula.db.engine.failures import constraint_of
from insula.db.engine.unit import Unit


@contextmanager
def violations_as(unit: Unit, violations: Mapping[str, type[AppError]]) -> Iterator[None]:
    """Raise the error that ``violations`` maps to a constraint, if a write in the block, or the commit, violates it."""
    unit.refuse({constraint: _without_detail(error) for constraint, error in violations.items()})
    try:
        yield
    except IntegrityError as violation:
        error = violations.get(constraint_of(violation) or "")
        if error is None:
            raise
        raise error from violation


def _without_detail(error: type[AppError]) -> Callable[[str], AppError]:
    return lambda _detail: error()
