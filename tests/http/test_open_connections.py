"""The check of access while a connection lasts; the first of several awaitables ends the others."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from insula.core import clock
from insula.core.errors import AppError, Retry, Unauthenticated, Unavailable
from insula.core.ids import new_id
from insula.http import open_connections
from insula.http.errors import ServerStopping, TokenExpired
from insula.http.kinds import SOCKET, STREAM, LongLived
from insula.http.open_connections import OpenConnection, OpenConnections
from insula.http.routing.long_lived import first_of
from tests.support.waiting import until

Result = TypeVar("Result")
TERMS = LongLived(ends_at_expiry=True, ends_at_drain=True, recheck_seconds=0.01)


class Lost(AppError):
    """The error that the check raises."""

    code, status = "lost", 403
    meaning = "The check of a long-lived connection found that its access has ended."
    cure = "Connect again."
    retry = Retry.NO


async def soon(waiting: Awaitable[Result]) -> Result:
    """Return the result; fail if it takes too long."""
    async with asyncio.timeout(5):
        return await waiting


class TestTheCheck:
    @pytest.fixture
    def registry(self) -> OpenConnections:
        registry = OpenConnections()
        registry.listener_alive = True
        return registry

    def opened(
        self,
        registry: OpenConnections,
        check: Callable[[], Awaitable[object]],
        terms: LongLived = TERMS,
        expires_at: float = float("inf"),
    ) -> OpenConnection:
        return OpenConnection(frozenset({new_id()}), expires_at, check, terms, registry)

    async def test_is_repeated_without_notifications(self, registry: OpenConnections) -> None:
        lost, checks = Lost(), list[int]()

        async def check() -> None:
            checks.append(len(checks))
            if len(checks) == 3:
                raise lost

        assert await soon(self.opened(registry, check).wait_for_end()) is lost
        assert len(checks) == 3

    async def test_is_retried_for_a_time_while_the_database_does_not_answer(
        self, registry: OpenConnections, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(open_connections, "_RETRY_SECONDS", 0.01)
        away, checks = Unavailable(), list[int]()

        async def check() -> None:
            checks.append(len(checks))
            if len(checks) > 2:
                monkeypatch.setattr(open_connections, "_MAX_UNCHECKED_SECONDS", 0.0)
            raise away

        assert await soon(self.opened(registry, check).wait_for_end()) is away
        assert len(checks) == 3

    async def test_runs_only_after_a_change_of_its_own_subjects(self, registry: OpenConnections) -> None:
        quiet, lost = replace(TERMS, recheck_seconds=3600.0), Lost()

        async def check() -> None:
            raise lost

        connection, other = self.opened(registry, check, quiet), self.opened(registry, check, quiet)
        [subject] = connection.subjects
        with registry.registered(connection), registry.registered(other):
            waiting = [asyncio.ensure_future(each.wait_for_end()) for each in (connection, other)]
            registry.notify(f"user:{subject}")
            assert await soon(waiting[0]) is lost
            assert not waiting[1].done()
            registry.notify("keys:")
            assert await soon(waiting[1]) is lost
        assert len(registry) == 0

    async def test_finds_an_expired_token_and_a_stopping_server_first(self, registry: OpenConnections) -> None:
        async def check() -> None:
            raise Lost

        assert isinstance(await soon(self.opened(registry, check, expires_at=0.0).wait_for_end()), TokenExpired)
        registry.stop()
        assert isinstance(await soon(self.opened(registry, check).wait_for_end()), ServerStopping)
        outlives = replace(TERMS, ends_at_drain=False, ends_at_expiry=False)
        assert isinstance(await soon(self.opened(registry, check, outlives, expires_at=0.0).wait_for_end()), Lost)

    async def test_reports_a_token_that_expires_during_the_check_as_expired(self, registry: OpenConnections) -> None:
        expires_at = clock.timestamp() + 0.05

        async def check() -> None:
            await until(lambda: clock.timestamp() >= expires_at)
            raise Unauthenticated

        assert isinstance(await soon(self.opened(registry, check, expires_at=expires_at).wait_for_end()), TokenExpired)


async def test_the_first_result_cancels_the_others() -> None:
    async def now() -> str:
        return "now"

    async def never(cancelled: list[str], name: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(name)
        return name

    first, second = list[str](), list[str]()
    assert await first_of(now(), never(first, "end")) == "now"
    assert await first_of(never(second, "work"), now()) == "now"
    assert (first, second) in (([], ["work"]), (["end"], ["work"]))


def test_streams_and_sockets_declare_the_same_end() -> None:
    assert STREAM.long_lived is not None
    assert STREAM.long_lived.attacks == (SOCKET.long_lived and SOCKET.long_lived.attacks)
