"""The Redis client: small, with short hand-shakes, and never trying twice."""

from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_CONNECTIONS: Final = 24
_LONGEST: Final = 5.0
"""Seconds after which a command is given up on for good, its connection with it; nobody waits for it so long."""


class Pool(BlockingConnectionPool):
    """Connections that can be dropped while they are idle."""

    async def drop_idle(self) -> None:
        """Close what nobody uses just now."""
        for connection in tuple(self._available_connections):
            await connection.disconnect(nowait=True)


def connect(url: str) -> Redis:
    """Make a client; nothing is connected before its first command.

    How long to wait, and whether to try again, is the caller's decision: the limits would rather count
    by themselves than hold a request back. A connection is used as soon as it is open: no version of
    the protocol is negotiated, which would cost three round trips.
    """
    pool = Pool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_LONGEST,
        socket_timeout=_LONGEST,
        socket_connect_timeout=_LONGEST,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    return Redis.from_pool(pool)


async def close(redis: Redis) -> None:
    """Close every connection."""
    await redis.aclose()
