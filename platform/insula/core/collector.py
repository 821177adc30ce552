"""The garbage collector of a process: paused while modules are imported, seldom at work once it serves."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_EVERY: Final = (50_000, 50, 100)


@contextmanager
def paused() -> Iterator[None]:
    """Import modules without collections. They would take a fifth of the time and find nothing: modules stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def settle() -> None:
    """Take what was built at start out of the collector's sight, since it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_EVERY)
