"""Watches the product's source files, so that its processes are restarted when one is edited."""

import os
import sys
import sysconfig
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from watchfiles import Change, DefaultFilter, watch

from insula.cli.progress import note

_SUFFIXES: Final = (".py", ".html", ".txt", ".css", ".js")
_LIBRARIES: Final = frozenset({"site-packages", "dist-packages"})
_QUIET_MILLISECONDS: Final = 100
"""Editors and version control change many files at once: this is how long no file may change before a restart."""


class Watcher:
    """Collects changed files in a thread. ``fileno`` becomes readable when there are any."""

    def __init__(self, folders: Collection[Path]) -> None:
        self._folders = folders
        self._changed: set[Path] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._collect, name="watcher", daemon=True)
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)

    @contextmanager
    def watching(self) -> Iterator[Self]:
        """Watch until the block ends."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()
            os.close(self._readable)
            os.close(self._writable)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._readable

    def take(self) -> list[Path]:
        """Return the files that changed since the last call."""
        with suppress(BlockingIOError):
            os.read(self._readable, 4096)
        with self._lock:
            found, self._changed = self._changed, set()
        return sorted(found)

    def _collect(self) -> None:
        try:
            self._watch()
        except (OSError, RuntimeError) as error:  # e.g. the system watches no more files
            note(f"edited code is not reloaded: {error}")

    def _watch(self) -> None:
        for changes in watch(
            *self._folders,
            watch_filter=_Sources(),
            debounce=_QUIET_MILLISECONDS,
            step=_QUIET_MILLISECONDS // 2,
            stop_event=self._stop,
            rust_timeout=500,
            raise_interrupt=False,
        ):
            with self._lock:
                self._changed.update(Path(path) for _, path in changes)
            with suppress(BlockingIOError):
                os.write(self._writable, b"1")


class _Sources(DefaultFilter):
    """Accepts source files; DefaultFilter leaves out caches and hidden folders."""

    def __call__(self, change: Change, path: str) -> bool:
        return path.endswith(_SUFFIXES) and super().__call__(change, path)


def source_folders() -> list[Path]:
    """Return the folders of the imported packages that are no libraries: the product's, and the kernel's checkout."""
    packages = [module for name, module in list(sys.modules.items()) if "." not in name and hasattr(module, "__path__")]
    found = {Path(folder) for package in packages for folder in package.__path__}
    return sorted(folder for folder in found if folder.is_dir() and not _is_library(folder))


def _is_library(folder: Path) -> bool:
    return bool(_LIBRARIES.intersection(folder.parts)) or Path(sysconfig.get_path("stdlib")) in folder.parents
