"""Fault 2: X-Tenant and the host name must agree with the token's tenant; contradictions are refused."""

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import SignIn, serving
from tests.support.factories import Factories, TenantRow


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings) as url:
        yield url


async def _domain(make: Factories, tenant: TenantRow, *, verified: bool = True) -> str:
    host = f"{uuid4().hex}.example.com"
    await make.domain(tenant, host, verified=verified)
    return host


async def test_x_tenant_and_host_must_agree_with_the_token(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, settings: Settings
) -> None:
    a, b = await make.tenant(plan="pro"), await make.tenant(plan="pro")
    both = await make.member(a, role="owner")
    await make.member(b, role="owner", user=both)  # a member of both: only the token decides
    headers = await sign_in(both, a)
    a_domain, b_domain = await _domain(make, a), await _domain(make, b)
    agreeing = [
        {},
        {"X-Tenant": a.slug},
        {"X-Tenant": str(a.id)},
        {"Host": f"{a.slug}.{settings.base_domain}"},
        {"Host": a_domain},
        {"Host": a_domain.upper(), "X-Tenant": a.slug},
    ]
    conflicting = [
        {"X-Tenant": b.slug},
        {"X-Tenant": str(b.id)},
        {"X-Tenant": "nobody-at-all"},
        {"X-Tenant": ""},
        {"Host": f"{b.slug}.{settings.base_domain}"},
        {"Host": f"nobody-at-all.{settings.base_domain}"},
        {"Host": b_domain},
        {"Host": a_domain, "X-Tenant": b.slug},
        {"Host": b_domain, "X-Tenant": a.slug},
    ]
    for headers_sent in agreeing:
        answer = await client.get("/api/v1/tenant", headers={**headers, **headers_sent})
        assert (answer.status_code, answer.json().get("slug")) == (200, a.slug), headers_sent
    for headers_sent in conflicting:
        answer = await client.get("/api/v1/tenant", headers={**headers, **headers_sent})
        assert (answer.status_code, answer.json()["code"]) == (403, "tenant_conflict"), headers_sent
        assert b.slug not in answer.text


async def test_an_unverified_domain_is_not_served(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> None:
    a = await make.tenant(plan="pro")
    headers = await sign_in(await make.member(a, role="owner"), a)
    claimed, proved = await _domain(make, a, verified=False), await _domain(make, a)
    assert (await client.get("/api/v1/tenant", headers={**headers, "Host": claimed})).status_code == 421
    assert (await client.get("/api/v1/tenant", headers={**headers, "Host": proved})).status_code == 200


async def test_a_tenant_in_body_or_query_is_refused(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn
) -> None:
    a, b = await make.tenant(plan="pro"), await make.tenant(plan="pro")
    headers = await sign_in(await make.member(a, role="owner"), a)
    body = {"name": "Mine"}
    answer = await client.post("/api/v1/racks", json={**body, "tenant_id": str(b.id)}, headers=headers)
    assert answer.status_code == 422
    answer = await client.get("/api/v1/racks", params={"tenant_id": str(b.id)}, headers=headers)
    assert answer.status_code == 422
    assert (await client.post("/api/v1/racks", json=body, headers=headers)).status_code == 201


@pytest.mark.parametrize("twice", ["Authorization", "X-Tenant", "Host"])
async def test_duplicate_headers_are_refused(address: str, make: Factories, sign_in: SignIn, twice: str) -> None:
    tenant = await make.tenant(plan="pro")
    headers = await sign_in(await make.member(tenant, role="owner"), tenant)
    values = {**headers, "X-Tenant": tenant.slug, "Host": urlsplit(address).netloc}

    def status_with(extra: str | None) -> int:
        connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
        connection.putrequest("GET", "/api/v1/tenant", skip_host=True)
        for name, value in values.items():
            connection.putheader(name, value)
            if name == extra:
                connection.putheader(name, value)
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        return status

    assert status_with(twice) == 400
    assert status_with(None) == 200
