"""Whether a client reads its answer: what its system has acknowledged, against a floor.

Two buffers hide a slow reader. Ours, and the kernel's, stay full for as long as the client's is; and
a client's system takes an answer in steps, not in the bytes that the client reads: at 1 KB a second
over loopback, Linux takes 128 KB at once, and then 64 to 95 KB up to 128 seconds apart. So what was taken
counts for the time that it takes to read at the floor, up to a limit.
"""

import asyncio
import socket
import struct
import sys
from typing import Final

_ACKNOWLEDGED_AT: Final = 120  # tcpi_bytes_acked, in Linux' struct tcp_info since 4.1
_ACKNOWLEDGED: Final = struct.Struct("=Q")
_TCP_INFO: Final = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_SAVED: Final = 4


class Reading:
    """The patience with one client that has an answer to read."""

    __slots__ = ("_left", "_most", "_patience", "_rate", "_taken", "seconds")

    def __init__(self, rate: float, patience: float) -> None:
        """Begin; ``rate`` is the floor, in bytes a second."""
        self._rate, self._patience = rate, patience
        self._taken = 0  # what was taken before the first look counts at that look
        self._left = patience
        self._most = _SAVED * patience
        self.seconds = 0.0

    def goes_on(self, taken: int, seconds: float) -> bool:
        """Tell whether the client reads on, with so many bytes taken in all, so many seconds after the last look."""
        gained = max(0, taken - self._taken) / self._rate
        self._taken = taken
        self._left = min(self._left - seconds + gained, self._most)
        self.seconds += seconds
        return self._left > 0

    @property
    def is_slow(self) -> bool:
        """Whether the client has had its patience's time for what we still hold of its answer."""
        return self.seconds >= self._patience


def acknowledged(transport: asyncio.Transport) -> int | None:
    """Return the bytes that the other side's system has acknowledged; None where the system does not say."""
    bare = transport.get_extra_info("socket")
    if _TCP_INFO is None or bare is None or bare.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    try:
        told = bare.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _ACKNOWLEDGED_AT + _ACKNOWLEDGED.size)
    except OSError:
        return None
    if len(told) < _ACKNOWLEDGED_AT + _ACKNOWLEDGED.size:
        return None
    found: int = _ACKNOWLEDGED.unpack_from(told, _ACKNOWLEDGED_AT)[0]
    return found
