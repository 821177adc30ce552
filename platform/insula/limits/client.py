"""The Redis client: small, impatient, and never trying twice."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_CONNECTIONS = 16
_SOCKET_TIMEOUT = 0.5


def connect(url: str) -> Redis:
    """Make a client; nothing is connected before its first command.

    Waiting longer or trying again is the caller's decision: the limits would rather count by
    themselves than hold a request back.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_SOCKET_TIMEOUT,
        socket_timeout=_SOCKET_TIMEOUT,
        socket_connect_timeout=_SOCKET_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


async def close(redis: Redis) -> None:
    """Close every connection."""
    await redis.aclose()
