"""A change of an entitlement applies in every process within a second; the processes still share one limit."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import SignIn, serving
from tests.support.factories import Factories, TenantRow
from tests.support.provider import Provider, event, first_secret, make_customer, subscription
from tests.support.waiting import until

RACKS = "/api/v1/racks"
FREE = '"requests";q=60;w=60'
PROCESSES = 2


@pytest.fixture(scope="module")
def addresses(settings: Settings) -> Iterator[list[str]]:
    """Start real server processes."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving(settings)) for _ in range(PROCESSES)]


@pytest.fixture
async def processes(addresses: list[str], settings: Settings) -> AsyncIterator[list[httpx.AsyncClient]]:
    host = {"Host": settings.public_url.partition("//")[2]}
    clients = [httpx.AsyncClient(base_url=address, headers=host) for address in addresses]
    yield clients
    for client in clients:
        await client.aclose()


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


@pytest.fixture
async def owner(make: Factories, sign_in: SignIn, tenant: TenantRow) -> dict[str, str]:
    return await sign_in(await make.member(tenant, "owner"), tenant)


@pytest.fixture
async def staff(make: Factories, sign_in: SignIn) -> dict[str, str]:
    return await sign_in(await make.staff(), None, "admin")


async def policies(processes: list[httpx.AsyncClient], owner: dict[str, str], method: str = "GET") -> list[str]:
    answers = [await process.request(method, RACKS, headers=owner, json={}) for process in processes]
    return [answer.headers.get("RateLimit-Policy", "") for answer in answers]


async def all_report(processes: list[httpx.AsyncClient], owner: dict[str, str], policy: str) -> None:
    """Return once each process reports the policy, within a second."""

    async def is_reported() -> bool:
        return await policies(processes, owner) == [policy] * PROCESSES

    await until(is_reported, seconds=1)


async def test_a_change_of_plan_applies_in_every_process(
    processes: list[httpx.AsyncClient], owner: dict[str, str], make: Factories, tenant: TenantRow, settings: Settings
) -> None:
    assert await policies(processes, owner) == [FREE] * PROCESSES
    bought = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))

    assert (await Provider(processes[0], first_secret(settings)).send(bought)).status_code == 200

    await all_report(processes, owner, '"requests";q=6000;w=60')


async def test_an_override_and_its_end_apply_in_every_process(
    processes: list[httpx.AsyncClient], owner: dict[str, str], staff: dict[str, str], tenant: TenantRow
) -> None:
    path = f"/admin/v1/tenants/{tenant.id}/overrides/requests_per_minute"
    assert await policies(processes, owner) == [FREE] * PROCESSES

    made = await processes[0].put(path, headers=staff, json={"value": 17, "reason": "Agreed"})

    assert made.status_code == 201
    await all_report(processes, owner, '"requests";q=17;w=60')
    assert (await processes[1].delete(path, headers=staff)).status_code == 204
    await all_report(processes, owner, FREE)


@pytest.mark.parametrize(
    ("key", "path", "policy"),
    [
        ("exports_per_minute", "/api/v1/audit-events.csv", '"exports";q=2;w=60'),
        ("concurrent_exports", "/api/v1/audit-events.csv", '"concurrent-exports";q=2;qu="concurrent-requests"'),
    ],
)
async def test_staff_can_grant_an_entitlement_that_no_plan_names(
    processes: list[httpx.AsyncClient],
    owner: dict[str, str],
    staff: dict[str, str],
    tenant: TenantRow,
    key: str,
    path: str,
    policy: str,
) -> None:
    granted = policy.replace("q=2", "q=1")
    made = await processes[0].put(
        f"/admin/v1/tenants/{tenant.id}/overrides/{key}", headers=staff, json={"value": 1, "reason": "Too many"}
    )
    assert made.status_code == 201

    async def reported() -> bool:
        answers = [await process.get(path, headers=owner) for process in processes]
        return all(granted in answer.headers["RateLimit-Policy"] for answer in answers)

    await until(reported, seconds=1)
    unknown = await processes[0].put(
        f"/admin/v1/tenants/{tenant.id}/overrides/wishes_per_minute", headers=staff, json={"value": 1, "reason": "No"}
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "entitlement_unknown")


async def test_two_processes_share_one_limit(
    processes: list[httpx.AsyncClient], owner: dict[str, str], make: Factories, sign_in: SignIn
) -> None:
    answers = [await processes[number % PROCESSES].get(RACKS, headers=owner) for number in range(90)]

    admitted = sum(answer.status_code == 200 for answer in answers)
    assert 60 - PROCESSES * 3 <= admitted <= 60
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "rate_limited"
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    other = await make.tenant()
    theirs = await sign_in(await make.member(other, "owner"), other)
    assert [(await process.get(RACKS, headers=theirs)).status_code for process in processes] == [200, 200]


async def test_writes_stop_at_their_ceiling_on_every_process(
    processes: list[httpx.AsyncClient], owner: dict[str, str], staff: dict[str, str], tenant: TenantRow
) -> None:
    path = f"/admin/v1/tenants/{tenant.id}/overrides/writes_per_minute"
    assert (await processes[0].put(path, headers=staff, json={"value": 4, "reason": "Slow"})).status_code == 201

    async def reported() -> bool:
        reported = await policies(processes, owner, "POST")
        return reported == ['"requests";q=60;w=60, "writes";q=4;w=60'] * PROCESSES

    await until(reported, seconds=1)
    writes = [await processes[number % PROCESSES].post(RACKS, headers=owner, json={}) for number in range(8)]
    assert {answer.status_code for answer in writes[4:]} == {429}
    assert [(await process.get(RACKS, headers=owner)).status_code for process in processes] == [200, 200]
