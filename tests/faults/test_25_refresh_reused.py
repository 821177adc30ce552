"""Fault 25: a refresh token can be used once; its second use ends the session, although the response is an error."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live
from tests.support.factories import Factories, UserRow
from tests.support.visitors import Visitor, visitor_at
from tests.support.waiting import until

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
REVOKED = "select revoked_at is not null as revoked from auth_session where user_id = :id order by created_at"


@pytest.fixture
async def visitor(live: Live, settings: Settings) -> AsyncIterator[Visitor]:
    async with visitor_at(live, settings) as visitor:
        yield visitor


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


async def test_one_of_fifty_concurrent_refreshes_succeeds(visitor: Visitor, user: UserRow) -> None:
    token = (await visitor.login(user.email)).json()["refresh_token"]

    answers = await asyncio.gather(*(visitor.refresh(token) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 49


async def test_reuse_of_a_refresh_token_ends_its_session_and_no_other(
    visitor: Visitor, user: UserRow, readback: Readback
) -> None:
    stolen = (await visitor.login(user.email)).json()
    other = (await visitor.login(user.email)).json()
    following = (await visitor.refresh(stolen["refresh_token"])).json()
    assert await readback(REVOKED, id=user.id) == [{"revoked": False}, {"revoked": False}]

    reused = await visitor.refresh(stolen["refresh_token"])

    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_token_refused")
    assert await readback(REVOKED, id=user.id) == [{"revoked": True}, {"revoked": False}]
    assert (await visitor.refresh(following["refresh_token"])).status_code == 401
    tokens = (stolen["access_token"], following["access_token"])
    await until(lambda: _all_refused(visitor, *tokens), seconds=1)
    assert (await visitor.get("/api/v1/me", other["access_token"])).status_code == 200
    assert (await visitor.refresh(other["refresh_token"])).status_code == 200


async def _all_refused(visitor: Visitor, *tokens: str) -> bool:
    return all([(await visitor.get("/api/v1/me", token)).status_code == 401 for token in tokens])
