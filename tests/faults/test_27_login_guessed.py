"""FAULTS 27: a known and an unknown account answer alike; guessing is slow, and shuts nobody else out."""

import asyncio

import pytest

from insula.settings import Settings
from tests.support.app import PASSWORD, Live
from tests.support.factories import Factories, UserRow
from tests.support.visitors import new_address, visitor_at


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


async def test_a_guesser_is_stopped_and_the_owner_is_not(live: Live, settings: Settings, user: UserRow) -> None:
    async with visitor_at(live, settings) as guesser, visitor_at(live, settings) as owner:
        guesses = [await guesser.login(user.email, password=f"guess {number}") for number in range(12)]
        stopped = await guesser.login(user.email)

        assert [guess.status_code for guess in guesses] == [401] * 10 + [429] * 2
        assert (stopped.status_code, stopped.json()["code"]) == (429, "too_many_attempts")
        assert int(stopped.headers["retry-after"]) >= 1
        assert (await owner.login(user.email)).status_code == 200


async def test_a_guesser_with_many_addresses_is_slowed_and_the_owner_gets_in(
    live: Live, settings: Settings, user: UserRow
) -> None:
    answers = []
    for _ in range(8):
        async with visitor_at(live, settings, new_address()) as guesser:
            tries = (guesser.login(user.email, password=f"guess {number}") for number in range(10))
            answers.append(sorted(answer.status_code for answer in await asyncio.gather(*tries)))

    assert answers[0] == [401] * 10
    assert answers[-1] == [401] * 2 + [429] * 8
    async with visitor_at(live, settings) as owner:
        assert (await owner.login(user.email)).status_code == 200


async def test_an_unknown_account_is_stopped_alike(live: Live, settings: Settings) -> None:
    async with visitor_at(live, settings) as guesser:
        guesses = [await guesser.login("Nobody@example.com", password="guess") for _ in range(11)]

    assert [guess.status_code for guess in guesses] == [401] * 10 + [429]


async def test_one_address_tries_few_accounts(live: Live, settings: Settings) -> None:
    network = new_address().removesuffix("1")
    statuses = []
    for number in range(101):
        async with visitor_at(live, settings, f"{network}{number + 1:x}") as guesser:
            statuses.append((await guesser.login(f"nobody-{number}@example.com", password="guess")).status_code)

    assert statuses == [401] * 100 + [429]
