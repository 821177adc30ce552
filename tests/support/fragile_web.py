"""A web process for tests of the supervisor: it fails as the files of a directory tell it.

The first serves, unless there is ``doomed``. The others end with status 3, or do nothing for ever if there is
``hanging``; once there is ``mended`` they serve too. Each start leaves its process id in ``starts``.
"""

import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import Final

DIRECTORY: Final = "FRAGILE_WEB"


def main(_listening: str, ready: str, _drain_seconds: str) -> None:
    """Serve, which is to say so and wait, or fail."""
    directory = Path(os.environ[DIRECTORY])
    with (directory / "starts").open("a") as starts, (directory / "first").open("a") as first:
        starts.write(f"{os.getpid()}\n")
        starts.flush()
        if not (directory / "mended").exists() and not _is_first(directory, first.fileno()):
            if not (directory / "hanging").exists():
                sys.exit(3)
            signal.pause()
        os.write(int(ready), b"1")
        os.close(int(ready))
        signal.pause()


def _is_first(directory: Path, file: int) -> bool:
    if (directory / "doomed").exists():
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
