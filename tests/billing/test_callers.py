"""Billing admits members with a tenant, API keys and custom roles, if they have its actions."""

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live, SignIn
from tests.support.apps import POLICY
from tests.support.factories import Factories, TenantRow
from tests.support.visitors import problem, visitor_at

PLANS, ENTITLEMENTS = "/billing/v1/plans", "/billing/v1/entitlements"


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


async def test_a_login_for_billing_needs_a_tenant(
    live: Live, settings: Settings, make: Factories, tenant: TenantRow
) -> None:
    user = await make.member(tenant, user=await make.user(password=PASSWORD))
    async with visitor_at(live, settings) as visitor:
        assert problem(await visitor.login(user.email, "billing")) == (403, "tenant_required")
        assert (await visitor.login(user.email, "billing", tenant.slug)).status_code == 200


async def test_an_api_key_for_billing_is_refused_by_other_apps(
    client: httpx.AsyncClient, make: Factories, tenant: TenantRow
) -> None:
    made = await make.api_key(tenant, "plan:read")
    assert (await client.get(PLANS, headers=made.headers)).status_code == 200
    assert (await client.get("/api/v1/racks", headers=made.headers)).status_code == 403
    for outside in ("/admin/v1/tenants", "/auth/logout"):
        assert (await client.get(outside, headers=made.headers)).status_code in (401, 405)


@pytest.mark.parametrize(("permission", "status"), [("entitlement:read", 200), ("rack:read", 403)])
async def test_a_custom_role_has_its_permissions_in_billing(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, permission: str, status: int
) -> None:
    role = await make.role(tenant, permission, *POLICY.in_every_role)
    headers = await sign_in(await make.member(tenant, role.key), tenant, "billing")
    assert (await client.get(ENTITLEMENTS, headers=headers)).status_code == status
    assert (await client.get(PLANS, headers=headers)).status_code == 200


async def test_custom_roles_can_have_billings_published_permissions(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow
) -> None:
    headers = await sign_in(await make.member(tenant, "owner"), tenant)
    listed = (await client.get("/api/v1/permissions", headers=headers)).json()["items"]
    assert {"plan:read", "entitlement:read"} <= {known["code"] for known in listed if known["app"] == "billing"}
