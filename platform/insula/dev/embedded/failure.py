"""Why the embedded servers cannot run, and how to correct it."""

from typing import Final

_CURES: Final = (
    ("no space left on device", "free some disk space, or let INSULA_DATA_DIR name a folder on another disk"),
    ("disk quota exceeded", "free some of your disk quota, or let INSULA_DATA_DIR name a folder on another disk"),
    ("read-only file system", "let INSULA_DATA_DIR name a folder that can be written to"),
    ("shared memory", "enlarge the machine's shared memory, /dev/shm (a container: --shm-size=256m)"),
    ("cannot allocate memory", "free some memory: the servers need about 200 MB"),
    ("permission denied", "let your user read and write that folder, or let INSULA_DATA_DIR name a folder of your own"),
    ("file exists", "let INSULA_DATA_DIR name a folder, or move that file away"),
    ("not a directory", "let INSULA_DATA_DIR name a folder, or move that file away"),
    (
        "exec format error",
        "the wheels are for another kind of machine: use other servers, with DATABASE_URL and REDIS_URL",
    ),
)


class EmbeddedError(Exception):
    """The embedded servers cannot run; the message is one line for the user that says what to do."""


def cure_of(reason: str) -> str:
    """Return what to do about ``reason``, an error of the system or of a server; empty if it is unknown."""
    return next((cure for sign, cure in _CURES if sign in reason.lower()), "")


def with_cure(reason: str, otherwise: str = "") -> str:
    """Return ``reason`` followed by what to do about it, or by ``otherwise`` if that is unknown."""
    cure = cure_of(reason) or otherwise
    return f"{reason}: {cure}" if cure else reason
