"""A tenant's members read its subscription, entitlements and the plans."""

import httpx
import pytest

from billing.subscriptions.service import start_on
from insula.access import Role
from insula.core.ids import TenantId
from insula.db.engine.pools import Database
from insula.db.models import FREE
from tenants.database import TENANTS
from tests.support.app import SignIn
from tests.support.factories import PLANS, Factories, TenantRow, UserRow
from tests.support.provider import Provider, event, make_customer, subscription
from tests.support.waiting import within

PATHS = ("/billing/v1/subscription", "/billing/v1/entitlements")


@pytest.fixture
async def tenant(make: Factories, database: Database) -> TenantRow:
    """Make a tenant on the free plan, as POST /tenants does."""
    tenant = await make.tenant(entitlements={})
    async with database.unit(TENANTS, tenant.id) as unit:
        await start_on(unit.session, TenantId(tenant.id), FREE)
    return tenant


@pytest.fixture
async def owner(make: Factories, tenant: TenantRow) -> UserRow:
    return await make.member(tenant, role="owner")


@pytest.mark.parametrize("role", list(Role))
async def test_every_member_sees_the_active_plans_cheapest_first(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, role: Role
) -> None:
    headers = await sign_in(await make.member(tenant, role=role), tenant, "billing")

    answer = await client.get("/billing/v1/plans", headers=headers)

    assert answer.status_code == 200
    free, pro = answer.json()["items"]
    assert answer.json()["next_cursor"] is None
    assert (free["key"], free["price"]) == ("free", {"amount_minor": 0, "currency": "eur"})
    assert (pro["key"], pro["price"]) == ("pro", {"amount_minor": 4900, "currency": "eur"})
    assert {grant["key"]: grant["value"] for grant in pro["entitlements"]} == PLANS["pro"]


@pytest.mark.parametrize("role", list(Role))
async def test_only_roles_that_manage_billing_see_it(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, role: Role
) -> None:
    headers = await sign_in(await make.member(tenant, role=role), tenant, "billing")
    expected = 200 if role in {Role.OWNER, Role.ADMIN, Role.BILLING_MANAGER} else 403

    assert [(await client.get(path, headers=headers)).status_code for path in PATHS] == [expected, expected]


async def test_a_new_tenants_subscription_is_free(
    client: httpx.AsyncClient, sign_in: SignIn, tenant: TenantRow, owner: UserRow
) -> None:
    headers = await sign_in(owner, tenant, "billing")

    bought = (await client.get("/billing/v1/subscription", headers=headers)).json()
    granted = (await client.get("/billing/v1/entitlements", headers=headers)).json()

    assert (bought["plan"]["key"], bought["status"], bought["seats"]) == ("free", "active", None)
    assert bought["current_period_end"] is None
    items = [{"key": key, "value": value} for key, value in sorted(PLANS["free"].items())]
    assert granted == {"items": items, "next_cursor": None}


async def test_the_webhook_changes_subscription_and_entitlements_to_pro(
    client: httpx.AsyncClient,
    make: Factories,
    sign_in: SignIn,
    provider: Provider,
    tenant: TenantRow,
    owner: UserRow,
) -> None:
    headers = await sign_in(owner, tenant, "billing")
    customer = await make_customer(make, tenant)
    await provider.send(
        event("customer.subscription.updated", subscription(customer, current_period_end=1_800_000_000))
    )

    bought = (await client.get("/billing/v1/subscription", headers=headers)).json()
    granted = (await client.get("/billing/v1/entitlements", headers=headers)).json()

    assert (bought["plan"]["key"], bought["seats"]) == ("pro", 1)
    assert bought["current_period_end"] == "2027-01-15T08:00:00Z"
    items = [{"key": key, "value": value} for key, value in sorted(PLANS["pro"].items())]
    assert granted == {"items": items, "next_cursor": None}


@pytest.mark.parametrize("path", [*PATHS, "/billing/v1/plans"])
async def test_a_token_of_another_app_or_of_none_is_refused(
    client: httpx.AsyncClient, sign_in: SignIn, tenant: TenantRow, owner: UserRow, path: str
) -> None:
    for_tenants = await sign_in(owner, tenant, "tenants")
    without_tenant = await sign_in(owner, None, "billing")

    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=for_tenants)).status_code == 401
    assert (await client.get(path, headers=without_tenant)).json()["code"] == "tenant_required"
    assert (await client.get(path, headers=await sign_in(owner, tenant, "billing"))).status_code == 200


async def test_a_tenant_without_a_subscription_gets_404(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn
) -> None:
    bare = await make.tenant()
    headers = await sign_in(await make.member(bare, role="owner"), bare, "billing")

    answer = await client.get("/billing/v1/subscription", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (404, "subscription_missing")


async def test_a_tenant_sees_only_its_own_subscription(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, provider: Provider, tenant: TenantRow, owner: UserRow
) -> None:
    rich = await make.tenant()
    await provider.send(event("customer.subscription.updated", subscription(await make_customer(make, rich))))

    mine = await client.get("/billing/v1/subscription", headers=await sign_in(owner, tenant, "billing"))
    theirs = await client.get(
        "/billing/v1/subscription",
        headers=await sign_in(await make.member(rich, role="owner"), rich, "billing"),
    )

    assert mine.json()["plan"]["key"] == "free"
    assert theirs.json()["plan"]["key"] == "pro"


async def test_the_limit_follows_the_plan_within_a_second(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, provider: Provider, tenant: TenantRow, owner: UserRow
) -> None:
    headers = await sign_in(owner, tenant, "billing")
    before = (await client.get("/billing/v1/plans", headers=headers)).headers["RateLimit-Policy"]
    await provider.send(event("customer.subscription.updated", subscription(await make_customer(make, tenant))))

    async def follows() -> bool:
        return (await client.get("/billing/v1/plans", headers=headers)).headers["RateLimit-Policy"] != before

    await within(1, follows)
