"""The circuit's probe ends with it, whatever the client makes of being cancelled."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from insula.limits.circuit import Circuit


async def test_closing_ends_a_probe_whose_client_swallows_the_cancellation() -> None:
    asked = asyncio.Event()
    lost = 0

    async def ping() -> None:
        nonlocal lost
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost += 1
            if lost == 1:
                raise RedisConnectionError("the connection broke meanwhile") from None
            raise

    circuit = Circuit(ping)
    broken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    broken.set_exception(RedisConnectionError())
    with pytest.raises(RedisConnectionError):
        await circuit.attempt(broken)
    await asked.wait()
    assert circuit.open

    async with asyncio.timeout(30):
        await circuit.close()
    assert lost == 1
