"""Fault 24: two sets of credentials are refused, and huge ones are refused before they are parsed."""

import time

import httpx
import pytest

from tests.support.app import SignIn
from tests.support.factories import Factories


@pytest.fixture
async def token(make: Factories, sign_in: SignIn) -> str:
    return await sign_in.token(await make.user())


async def test_credentials_sent_twice_are_refused(client: httpx.AsyncClient, token: str) -> None:
    once = [("Authorization", f"Bearer {token}")]
    assert (await client.get("/api/v1/me", headers=once)).status_code == 200

    for twice in (once * 2, [*once, ("Authorization", "Bearer other")], [("Authorization", "Basic eDp5"), *once]):
        assert (await client.get("/api/v1/me", headers=twice)).status_code in (400, 401)


@pytest.mark.parametrize("scheme", ["", "Basic ", "Bearer", "Token ", "DPoP ", "Bearer, Bearer "])
async def test_another_scheme_is_refused(client: httpx.AsyncClient, token: str, scheme: str) -> None:
    assert (await client.get("/api/v1/me", headers={"Authorization": f"{scheme}{token}"})).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
async def test_a_repeated_token_is_accepted_only_by_its_own_app(
    client: httpx.AsyncClient, token: str, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme}{token}"}
    for _ in range(2):
        assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
        assert (await client.get("/admin/v1/tenants", headers=headers)).status_code == 401
        assert (await client.get("/api/v1/me", headers={"Authorization": f"{scheme}{token[:-2]}AA"})).status_code == 401


async def test_a_huge_token_is_refused_cheaply(client: httpx.AsyncClient, token: str) -> None:
    huge = {"Authorization": f"Bearer {token}{'A' * 3_000_000}"}
    begun = time.process_time()

    answer = await client.get("/api/v1/me", headers=huge)

    assert answer.status_code in (401, 431)
    assert time.process_time() - begun < 0.5
    assert (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200
