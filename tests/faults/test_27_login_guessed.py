"""Fault 27: a known and an unknown account get the same responses; guessing is slow, and locks nobody else out.

tests/identity/test_login_throttle.py tests the exact counts, tests/identity/test_routes.py the refusals' responses.
"""

import asyncio

import pytest

from insula.core.settings import Settings
from insula.signin import ThrottleRates
from tests.support.app import PASSWORD, Live
from tests.support.factories import Factories, UserRow
from tests.support.visitors import Visitor, new_address, visitor_at

FEW = ThrottleRates().by_account_and_address


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


async def guesses_until_stopped(guesser: Visitor, email: str) -> int:
    # At most twice as many: if Redis does not answer in time, the process starts its own count.
    for number in range(2 * FEW + 1):
        if (await guesser.login(email, password=f"guess {number}")).status_code == 429:
            return number
    pytest.fail("no guess was refused with 429")


async def test_a_guesser_is_stopped_and_the_owner_is_not(live: Live, settings: Settings, user: UserRow) -> None:
    async with visitor_at(live, settings) as guesser, visitor_at(live, settings) as owner:
        assert await guesses_until_stopped(guesser, user.email) >= FEW // 2
        stopped = await guesser.login(user.email)

        assert (stopped.status_code, stopped.json()["code"]) == (429, "too_many_attempts")
        assert int(stopped.headers["retry-after"]) >= 1
        assert (await owner.login(user.email)).status_code == 200


async def test_guesses_at_an_unknown_account_are_stopped_alike(live: Live, settings: Settings) -> None:
    async with visitor_at(live, settings) as guesser:
        assert await guesses_until_stopped(guesser, f"{new_address()}@example.com") >= FEW // 2


async def test_a_guesser_with_many_addresses_is_slowed_and_the_owner_logs_in(
    live: Live, settings: Settings, user: UserRow
) -> None:
    statuses: list[int] = []
    for _ in range(5):
        async with visitor_at(live, settings) as guesser:
            tries = (guesser.login(user.email, password=f"guess {number}") for number in range(FEW))
            statuses += [answer.status_code for answer in await asyncio.gather(*tries)]

    assert set(statuses) == {401, 429}
    async with visitor_at(live, settings) as owner:
        assert (await owner.login(user.email)).status_code == 200
