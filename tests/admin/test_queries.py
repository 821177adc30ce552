"""The number of statements of a staff page does not depend on its length."""

import pytest

from insula.core.ids import new_id
from tests.support.factories import Factories
from tests.support.staff import Caller


@pytest.mark.parametrize("path", ["/tenants", "/users", "/staff", "/jobs"])
async def test_a_list_costs_one_count_and_one_page_query(
    superuser: Caller, make: Factories, statements: list[str], path: str
) -> None:
    for _ in range(5):
        await make.member(await make.tenant())
    for limit in (1, 100):
        statements.clear()

        answer = await superuser.get(path, limit=limit)

        assert (answer.status_code, len(statements)) == (200, 2)


async def test_a_tenant_with_its_counts_costs_three_queries(
    superuser: Caller, make: Factories, statements: list[str]
) -> None:
    tenant = await make.tenant()

    assert (await superuser.get(f"/tenants/{tenant.id}")).status_code == 200
    assert len(statements) == 3  # the tenant, its members, its counters


async def test_a_users_memberships_cost_one_query_for_any_number(
    superuser: Caller, make: Factories, statements: list[str]
) -> None:
    user = await make.user()
    for _ in range(4):
        await make.member(await make.tenant(), user=user)

    answer = await superuser.get(f"/users/{user.id}")

    assert (len(answer.json()["memberships"]), len(statements)) == (4, 3)


async def test_suspending_a_tenant_costs_four_statements(
    superuser: Caller, make: Factories, statements: list[str]
) -> None:
    tenant = await make.tenant(name=new_id().hex)

    await superuser.post(f"/tenants/{tenant.id}/suspend")

    assert len(statements) == 3  # read it, write it, and append to its audit log
