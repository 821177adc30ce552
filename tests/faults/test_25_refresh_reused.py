"""Fault 25: replays of a refresh token get one and the same child for 10 s; any other replay ends the whole family.

The session stays ended although the response is an error: each test reads it back over a new connection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from insula.core import clock
from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live, serving
from tests.support.apps import audience
from tests.support.factories import Factories, UserRow
from tests.support.visitors import Visitor, problem, visitor_at
from tests.support.waiting import until

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
REVOKED = "select revoked_at is not null as revoked from auth_session where user_id = :id order by created_at"
TOKENS = """
    select count(*) as made, count(*) filter (where used_at is null) as unused
    from refresh_token r join auth_session s on s.id = r.session_id where s.user_id = :id
"""
REFUSED = (401, "refresh_token_refused")
WITHIN, LATER = timedelta(seconds=5), timedelta(seconds=11)


@pytest.fixture
async def visitor(live: Live, settings: Settings) -> AsyncIterator[Visitor]:
    async with visitor_at(live, settings) as visitor:
        yield visitor


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


async def signed_in(visitor: Visitor, user: UserRow) -> str:
    token: str = (await visitor.login(user.email)).json()["refresh_token"]
    return token


async def next_of(visitor: Visitor, token: str) -> str:
    answer = await visitor.refresh(token)
    assert answer.status_code == 200
    following: str = answer.json()["refresh_token"]
    return following


async def is_live(readback: Readback, user: UserRow) -> bool:
    [row] = await readback(REVOKED, id=user.id)
    return not row["revoked"]


async def test_fifty_replays_at_once_get_one_and_the_same_token(
    visitor: Visitor, user: UserRow, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, now = await signed_in(visitor, user), clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)  # a busy machine takes longer for all than the replays may

    answers = await asyncio.gather(*(visitor.refresh(parent) for _ in range(50)))

    assert [answer.status_code for answer in answers] == [200] * 50
    [child] = {answer.json()["refresh_token"] for answer in answers}
    assert await is_live(readback, user)
    assert await readback(TOKENS, id=user.id) == [{"made": 2, "unused": 1}]
    for access_token in {answer.json()["access_token"] for answer in answers}:
        assert (await visitor.get("/api/v1/me", access_token)).status_code == 200
    assert await next_of(visitor, child) != child


async def test_two_processes_give_the_same_token(
    visitor: Visitor, user: UserRow, settings: Settings, readback: Readback
) -> None:
    parent = await signed_in(visitor, user)
    body = {"refresh_token": parent, "resource": audience(settings, "tenants")}
    with serving(settings) as one, serving(settings) as other:
        async with httpx.AsyncClient() as client:
            urls = [f"{url}/auth/refresh" for url in (one, other)] * 10
            answers = await asyncio.gather(*(client.post(url, json=body, timeout=30) for url in urls))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert await is_live(readback, user)
    assert await readback(TOKENS, id=user.id) == [{"made": 2, "unused": 1}]


async def test_a_client_whose_answer_was_lost_gets_it_again(
    visitor: Visitor, user: UserRow, readback: Readback
) -> None:
    parent = await signed_in(visitor, user)
    lost = await next_of(visitor, parent)

    with clock.moved(WITHIN):
        assert await next_of(visitor, parent) == lost
        assert await next_of(visitor, lost) not in (parent, lost)
    assert await is_live(readback, user)


async def test_a_late_replay_ends_the_session_and_no_other(visitor: Visitor, user: UserRow, readback: Readback) -> None:
    stolen = (await visitor.login(user.email)).json()
    other = (await visitor.login(user.email)).json()
    following = (await visitor.refresh(stolen["refresh_token"])).json()
    assert await readback(REVOKED, id=user.id) == [{"revoked": False}, {"revoked": False}]

    with clock.moved(LATER):
        assert problem(await visitor.refresh(stolen["refresh_token"])) == REFUSED

    assert await readback(REVOKED, id=user.id) == [{"revoked": True}, {"revoked": False}]
    assert problem(await visitor.refresh(following["refresh_token"])) == REFUSED
    tokens = (stolen["access_token"], following["access_token"])
    await until(lambda: _all_refused(visitor, *tokens), seconds=1)
    assert (await visitor.get("/api/v1/me", other["access_token"])).status_code == 200
    assert (await visitor.refresh(other["refresh_token"])).status_code == 200


async def test_a_replay_after_the_child_was_used_ends_every_descendant(
    visitor: Visitor, user: UserRow, readback: Readback
) -> None:
    parent = await signed_in(visitor, user)
    child = await next_of(visitor, parent)
    grandchild = await next_of(visitor, child)
    assert await next_of(visitor, child) == grandchild  # its own child is unused

    assert problem(await visitor.refresh(parent)) == REFUSED

    assert not await is_live(readback, user)
    for token in (child, grandchild):
        assert problem(await visitor.refresh(token)) == REFUSED


@pytest.mark.parametrize("owner_is_first", [True, False], ids=["owner first", "thief first"])
async def test_owner_and_thief_cannot_both_continue(
    visitor: Visitor, user: UserRow, readback: Readback, *, owner_is_first: bool
) -> None:
    stolen = await signed_in(visitor, user)
    async with visitor.elsewhere() as thief:
        first, second = (visitor, thief) if owner_is_first else (thief, visitor)
        continued = await next_of(first, await next_of(first, stolen))
        assert await is_live(readback, user)

        assert problem(await second.refresh(stolen)) == REFUSED

        assert not await is_live(readback, user)
        assert problem(await first.refresh(continued)) == REFUSED


async def test_another_users_token_neither_ends_nor_continues_this_session(
    visitor: Visitor, user: UserRow, make: Factories, readback: Readback
) -> None:
    mine = await signed_in(visitor, user)
    theirs = await signed_in(visitor, await make.user(password=PASSWORD))
    used = await next_of(visitor, theirs)
    for token in (theirs + "x", theirs.replace("insula_rt_", ""), "insula_rt_" + "A" * 43):
        assert problem(await visitor.refresh(token)) == REFUSED
    with clock.moved(LATER):
        assert problem(await visitor.refresh(theirs)) == REFUSED
    assert problem(await visitor.refresh(used)) == REFUSED

    assert await is_live(readback, user)
    assert await next_of(visitor, mine) != used


async def _all_refused(visitor: Visitor, *tokens: str) -> bool:
    return all([(await visitor.get("/api/v1/me", token)).status_code == 401 for token in tokens])
