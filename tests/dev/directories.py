"""Directories that the servers' account can reach, unlike pytest's, and the processes in them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest


@pytest.fixture
def directory() -> Iterator[Path]:
    """Create a directory that anybody may traverse."""
    path = Path(tempfile.mkdtemp(prefix="insula-place-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def descendants(pid: int) -> set[int]:
    """Return the ids of all descendants of a process."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: set[int] = set()
    added = {pid}
    while added:
        added = {child for child, parent in parents.items() if parent in added}
        found |= added
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those that still run; zombies do not count."""
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(pid)
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return as soon as ``condition`` holds; fail after ``seconds``."""
    deadline, pause = monotonic() + seconds, Event()
    while not condition():
        if monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        pause.wait(0.02)


def environment(directory: Path) -> dict[str, str]:
    """Return an environment in which ``directory`` is the data directory."""
    return {"PATH": os.environ["PATH"], "INSULA_DATA_DIR": str(directory)}
