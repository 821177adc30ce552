"""The embedded servers: private, durable across starts, ended with their parent process."""

from collections.abc import Awaitable, Callable

import pytest
import redis.asyncio as redis

from insula.core.settings import Settings

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


async def test_database_is_postgresql_18_in_utf8_and_utc(readback: Readback) -> None:
    [row] = await readback(
        "SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_encoding') AS enc,"
        " current_setting('timezone') AS tz, lower('ÄÉ') AS lower"
    )
    assert row == {"major": 18, "enc": "UTF8", "tz": "UTC", "lower": "äé"}


async def test_valkey_requires_the_password(settings: Settings) -> None:
    async with redis.from_url(settings.redis_url) as rightful:
        assert await rightful.ping() is True
    anonymous = settings.redis_url.split("@")[1]
    async with redis.from_url(f"redis://{anonymous}") as stranger:
        with pytest.raises(redis.AuthenticationError):
            await stranger.ping()
