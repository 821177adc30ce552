"""The circuit distinguishes a slow Redis, a silent one and one that refuses writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError

from insula.core import lag
from insula.limits import circuit as module
from insula.limits.circuit import Circuit, Health
from tests.support.waiting import until


class Server:
    """Answers probes with the given function."""

    def __init__(self, answer: Callable[[], Awaitable[None]]) -> None:
        self.answer = answer
        self.resumed = self.afresh = 0

    async def probe(self) -> None:
        await self.answer()

    async def reconnect(self) -> None:
        self.afresh += 1

    def resume(self) -> None:
        self.resumed += 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PROBE_PAUSE", 0.01)
    monkeypatch.setattr(module, "_SLOW_PAUSE", 0.01)


def broken(error: Exception) -> "asyncio.Future[int]":
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    answer.set_exception(error)
    return answer


def silent() -> "asyncio.Future[int]":
    return asyncio.get_running_loop().create_future()


async def at_once() -> None:
    return


async def test_closing_ends_a_probe_whose_client_swallows_the_cancellation() -> None:
    probed = asyncio.Event()
    lost = 0

    async def ping() -> None:
        nonlocal lost
        probed.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost += 1
            if lost == 1:
                raise RedisConnectionError("the connection broke meanwhile") from None
            raise

    circuit = Circuit(Server(ping))
    with pytest.raises(RedisConnectionError):
        await circuit.attempt(broken(RedisConnectionError()))
    await probed.wait()
    assert circuit.open

    async with asyncio.timeout(30):
        await circuit.close()
    assert lost == 1


async def test_a_late_server_is_slow_and_is_waited_for() -> None:
    answered = asyncio.Event()
    server = Server(lambda: asyncio.sleep(0.1))
    circuit = Circuit(server, patience=0.02)
    with pytest.raises(TimeoutError):
        await circuit.attempt(silent())
    assert circuit.open

    await until(lambda: circuit.health is Health.SLOW)
    assert not circuit.open
    assert (server.resumed, server.afresh) == (1, 1)
    late = asyncio.ensure_future(answered.wait())
    asyncio.get_running_loop().call_later(0.1, answered.set)
    assert await circuit.attempt(late)

    server.answer = at_once
    await until(lambda: circuit.health is Health.OK)
    await circuit.close()


async def test_a_server_that_answers_promptly_again_is_ok() -> None:
    circuit = Circuit(Server(at_once), patience=0.02)
    with pytest.raises(TimeoutError):
        await circuit.attempt(silent())
    await until(lambda: not circuit.open)
    found = [circuit.health]

    with pytest.raises(TimeoutError):
        await circuit.attempt(silent())
    await until(lambda: not circuit.open)
    found.append(circuit.health)
    assert found == [Health.OK, Health.SLOW], "late twice within seconds"
    await circuit.close()


async def test_a_server_that_refuses_writes_is_refusing_until_it_accepts_one() -> None:
    refusals, allowed = 0, False

    async def refuse() -> None:
        nonlocal refusals
        if not allowed:
            refusals += 1
            raise ReadOnlyError

    circuit = Circuit(Server(refuse))
    with pytest.raises(ReadOnlyError):
        await circuit.attempt(broken(ReadOnlyError()))

    await until(lambda: refusals > 2)
    assert circuit.open
    assert circuit.health is Health.REFUSING
    assert await circuit.check() is Health.REFUSING
    allowed = True
    await until(lambda: not circuit.open)
    assert await circuit.check() is Health.OK
    await circuit.close()


async def test_an_answer_that_comes_at_the_last_moment_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def just_over(_seconds: float) -> AsyncIterator[None]:
        yield
        raise TimeoutError

    monkeypatch.setattr(lag, "timeout", just_over)
    circuit = Circuit(Server(at_once))
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    answer.set_result(7)

    assert await circuit.attempt(answer) == 7
    assert not circuit.open
