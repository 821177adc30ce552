"""A web process for tests of the supervisor, whose failures are controlled by files in a directory.

The first process serves unless the file ``doomed`` exists. The others end with status 3, or hang if ``hanging`` exists;
once ``mended`` exists they serve too. Each start appends its process id to ``starts``.
"""

import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import Final

DIRECTORY: Final = "FRAGILE_WEB"


def main(_listening: str, ready: str, _drain_seconds: str) -> None:
    """Report readiness and wait, or fail."""
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
