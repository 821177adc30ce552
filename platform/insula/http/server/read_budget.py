"""Whether a client reads its answer fast enough, by the bytes that its system has acknowledged.

Two buffers hide a slow reader: ours and the kernel's stay full for as long as the client's is. And a client's system
acknowledges an answer in steps, not at the rate at which the client reads: at 1 KB a second over loopback, Linux
acknowledges 128 KB at once, and then 64 to 95 KB up to 128 seconds apart. So acknowledged bytes add time to a budget:
the time that reading them takes at the lowest allowed rate, up to a maximum.
"""

import asyncio
import socket
import struct
import sys
from typing import Final

_ACKNOWLEDGED_AT: Final = 120  # tcpi_bytes_acked, in Linux' struct tcp_info since 4.1
_ACKNOWLEDGED: Final = struct.Struct("=Q")
_TCP_INFO: Final = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_MOST_TIMEOUTS: Final = 4


class ReadBudget:
    """The time that a client has left to read more of its answer."""

    __slots__ = ("_acknowledged", "_left", "_most", "_rate", "_timeout", "seconds")

    def __init__(self, rate: float, timeout: float) -> None:
        """Start with ``timeout`` seconds. ``rate`` is the lowest allowed rate, in bytes per second."""
        self._rate, self._timeout = rate, timeout
        self._acknowledged = 0  # the first check counts all bytes that were acknowledged before it
        self._left = timeout
        self._most = _MOST_TIMEOUTS * timeout
        self.seconds = 0.0

    def spend(self, seconds: float, acknowledged: int) -> bool:
        """Subtract the seconds since the last check, add time for new bytes, and return whether any time is left.

        ``acknowledged`` is the number of all acknowledged bytes of the connection.
        """
        gained = max(0, acknowledged - self._acknowledged) / self._rate
        self._acknowledged = acknowledged
        self._left = min(self._left - seconds + gained, self._most)
        self.seconds += seconds
        return self._left > 0

    @property
    def is_slow(self) -> bool:
        """Whether the client has been reading its answer for longer than the timeout."""
        return self.seconds >= self._timeout


def acknowledged_bytes(transport: asyncio.Transport) -> int | None:
    """Return the bytes that the client's system has acknowledged; None where our system does not count them."""
    sock = transport.get_extra_info("socket")
    if _TCP_INFO is None or sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _ACKNOWLEDGED_AT + _ACKNOWLEDGED.size)
    except OSError:
        return None
    if len(info) < _ACKNOWLEDGED_AT + _ACKNOWLEDGED.size:
        return None
    found: int = _ACKNOWLEDGED.unpack_from(info, _ACKNOWLEDGED_AT)[0]
    return found
