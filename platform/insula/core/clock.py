"""The only source of the current time, so that tests can move it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_offset: ContextVar[timedelta] = ContextVar("insula_clock_offset", default=timedelta())


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC) + _offset.get()


def timestamp() -> float:
    """Return the current time as seconds since the epoch."""
    return time.time() + _offset.get().total_seconds()


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """Move the clock of this task, and of the tasks it starts, by ``by``. For tests."""
    token = _offset.set(_offset.get() + by)
    try:
        yield
    finally:
        _offset.reset(token)
