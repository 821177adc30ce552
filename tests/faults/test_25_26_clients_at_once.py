"""Faults 25 and 26 for OAuth clients, over two real servers: replays of a refresh token and of a code, at once.

What is left is read back over a new connection.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import cycle
from typing import Final

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live, serving
from tests.support.apps import audience
from tests.support.backends import Readback
from tests.support.browsers import browser_at
from tests.support.factories import Factories
from tests.support.oauth_flow import CALLBACK, Flow

REPLAYS: Final = 50
SESSIONS: Final = "select revoked_at is null as live from auth_session where client_id = :id"
TOKENS: Final = """
    select count(*) as made, count(*) filter (where used_at is null) as unused
    from refresh_token r join auth_session s on s.id = r.session_id where s.client_id = :id
"""


@pytest.fixture
def addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return the addresses of two servers on the same database."""
    with serving(settings) as one, serving(settings) as other:
        yield one, other


@pytest.fixture
async def servers(addresses: tuple[str, str], settings: Settings) -> AsyncIterator[list[httpx.AsyncClient]]:
    headers = {"Host": settings.public_url.partition("://")[2]}
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=REPLAYS)
        yield [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60))
            for url in addresses
        ]


@pytest.fixture
async def flow(live: Live, settings: Settings, make: Factories) -> AsyncIterator[Flow]:
    """Return the flow of a user who is signed in and has agreed."""
    tenant = await make.tenant(plan="pro")
    user = await make.user(password=PASSWORD)
    await make.member(tenant, user=user, role="owner")
    grants = ("authorization_code", "refresh_token")
    client = await make.oauth_client(tenant, "rack:read", kind="public", grants=grants, redirect_uris=[CALLBACK])
    async with browser_at(live, settings.public_url) as browser:
        flow = Flow(browser, client, audience(settings, "tenants"))
        await flow.decide(await flow.sign_in(await flow.authorize(), user.email))
        yield flow


async def test_fifty_replays_of_a_refresh_token_get_one_and_the_same_child(
    servers: list[httpx.AsyncClient], flow: Flow, readback: Readback
) -> None:
    first = (await flow.exchange(servers[0], await flow.code())).json()["refresh_token"]
    turns = [server for server, _ in zip(cycle(servers), range(REPLAYS), strict=False)]
    answers = await asyncio.gather(*(flow.refresh(server, first) for server in turns))

    assert Counter(answer.status_code for answer in answers) == {200: REPLAYS}
    [child] = {answer.json()["refresh_token"] for answer in answers}
    assert await readback(SESSIONS, id=flow.client.id) == [{"live": True}]
    assert await readback(TOKENS, id=flow.client.id) == [{"made": 2, "unused": 1}]
    grandchild = (await flow.refresh(servers[1], child)).json()["refresh_token"]
    reused = await flow.refresh(servers[0], first)
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert await readback(SESSIONS, id=flow.client.id) == [{"live": False}]
    assert (await flow.refresh(servers[1], grandchild)).json()["error"] == "invalid_grant"


async def test_of_fifty_exchanges_of_a_code_one_gives_tokens_and_the_others_end_them(
    servers: list[httpx.AsyncClient], flow: Flow, readback: Readback
) -> None:
    code = await flow.code()
    turns = [server for server, _ in zip(cycle(servers), range(REPLAYS), strict=False)]
    answers = await asyncio.gather(*(flow.exchange(server, code) for server in turns))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: REPLAYS - 1}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    [given] = [answer.json() for answer in answers if answer.status_code == 200]
    assert await readback(SESSIONS, id=flow.client.id) == [{"live": False}]
    assert (await flow.refresh(servers[0], given["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await flow.exchange(servers[1], await flow.code())).status_code == 200
