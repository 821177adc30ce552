"""The Redis client: few connections, a short handshake, no retries."""

from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_CONNECTIONS: Final = 24
_LONGEST: Final = 5.0
"""Seconds after which a command and its connection are dropped; callers stop waiting long before."""


class Pool(BlockingConnectionPool):
    """Connections that can be dropped while they are idle."""

    async def drop_idle(self) -> None:
        """Close the idle connections."""
        for connection in tuple(self._available_connections):
            await connection.disconnect(nowait=True)


def connect(url: str) -> Redis:
    """Return a client; it connects at its first command.

    The caller decides how long to wait and whether to retry: the limits would rather count locally than delay a
    request. The protocol version is not negotiated, which saves three round trips for each connection.
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
