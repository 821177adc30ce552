"""Fault 4: Host and X-Forwarded-* from a client grant nothing, and appear in no link and no limiter key."""

from uuid import uuid4

import httpx
import pytest

from insula.core.settings import Settings
from insula.signin import ThrottleRates
from tests.http.probe import client_of
from tests.support.app import Live, SignIn
from tests.support.factories import Factories

FORWARDED = (
    "X-Forwarded-Host",
    "X-Forwarded-Server",
    "X-Real-IP",
    "Forwarded",
    "X-Original-Host",
    "X-Forwarded-Prefix",
)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil", "evil.example:80"])
async def test_an_unknown_host_is_not_served(client: httpx.AsyncClient, host: str) -> None:
    refused = await client.get("/", headers={"host": host})
    served = await client.get("/")

    assert (refused.status_code, refused.json()["code"]) == (421, "unknown_host")
    assert "evil" not in refused.text + str(refused.headers)
    assert served.status_code == 200


async def test_a_verified_domain_is_served_and_an_unverified_one_is_not(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn
) -> None:
    tenant = await make.tenant()
    owner = await make.member(tenant, role="owner")
    mine, pending = (f"{uuid4().hex[:12]}.example" for _ in range(2))
    await make.domain(tenant, mine)
    await make.domain(tenant, pending, verified=False)
    headers = await sign_in(owner, tenant)

    served = await client.get("/api/v1/tenant", headers={**headers, "host": mine})
    refused = await client.get("/api/v1/tenant", headers={**headers, "host": pending})

    assert (served.status_code, refused.status_code) == (200, 421)


async def test_another_tenants_host_grants_nothing(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, settings: Settings
) -> None:
    mine, theirs = await make.tenant(), await make.tenant()
    headers = await sign_in(await make.member(mine, role="owner"), mine)

    refused = await client.get("/api/v1/tenant", headers={**headers, "host": f"{theirs.slug}.{settings.base_domain}"})
    served = await client.get("/api/v1/tenant", headers={**headers, "host": f"{mine.slug}.{settings.base_domain}"})

    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_conflict")
    assert served.json()["slug"] == mine.slug


@pytest.mark.parametrize("name", FORWARDED)
async def test_a_forwarded_host_selects_no_tenant_and_shows_in_no_answer(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, name: str, settings: Settings
) -> None:
    mine, theirs = await make.tenant(), await make.tenant()
    headers = await sign_in(await make.member(mine, role="owner"), mine)
    poison = f"{theirs.slug}.{settings.base_domain}"

    answers = [
        await client.get(path, headers={**headers, name: poison})
        for path in ("/api/v1/tenant", "/", "/docs", "/openapi.json", "/api/nowhere")
    ]

    assert answers[0].json()["slug"] == mine.slug
    assert all(poison not in answer.text + str(answer.headers) for answer in answers)


async def test_a_forged_client_address_does_not_evade_the_login_throttle(live: Live) -> None:
    email, limit = f"{uuid4()}@example.com", ThrottleRates().by_account_and_address
    body = {"email": email, "password": "a guess", "resource": "tenants"}
    async with client_of(live, peer="198.51.100.44") as guesser:
        answers = [
            await guesser.post("/auth/login", json=body, headers={"x-forwarded-for": f"203.0.113.{number}"})
            for number in range(limit + 1)
        ]

    assert answers[0].status_code != 429
    assert answers[-1].status_code == 429
