"""An app's hook for new tenants runs for tenants that users create and for those that staff create."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core import clock
from insula.core.errors import PlanUnknown
from insula.core.ids import TenantId, new_id
from insula.core.settings import Settings
from insula.db.models import Entitlement
from insula.tenancy import NewTenants
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.staff import API as ADMIN
from tests.tenants.support import Caller, Readback, code_of

GRANTED = {"requests_per_minute": 100, "racks": 1}


async def grant(session: AsyncSession, tenant_id: TenantId, plan: str) -> None:
    """Grant the same entitlements to every tenant on the plan gold."""
    for key, value in GRANTED.items():
        session.add(Entitlement(tenant_id=tenant_id, key=key, value=value, updated_at=clock.now()))
    await session.flush()
    if plan not in {"free", "gold"}:
        raise PlanUnknown


@pytest.fixture
async def client(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    product = replace(live, kernel=replace(live.kernel, new_tenants=NewTenants((grant,), with_plans=True)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(product), base_url=settings.public_url) as client:
        yield client


async def granted_to(readback: Readback, tenant_id: str) -> dict[object, object]:
    rows = await readback("select key, value from entitlement where tenant_id = :id", id=UUID(tenant_id))
    return {row["key"]: row["value"] for row in rows}


async def test_a_users_new_tenant_has_the_entitlements_of_the_hook(
    newcomer: Caller, sign_in: SignIn, readback: Readback
) -> None:
    made = await newcomer.post("/tenants", {"slug": f"t-{new_id().hex}", "name": "Acme"})

    assert made.status_code == 201
    assert await granted_to(readback, made.json()["id"]) == GRANTED
    tenant = TenantRow(id=UUID(made.json()["id"]), slug=made.json()["slug"], name="Acme")
    owner = Caller(newcomer.client, newcomer.user, tenant, await sign_in(newcomer.user, tenant))
    await owner.rack()
    assert code_of(await owner.post("/racks", {"name": "Another"})) == (409, "quota_exceeded")


async def test_an_error_of_the_hook_undoes_the_tenant_that_staff_create(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    staff = await sign_in(await make.staff("superuser"), None, "admin")
    body = {"slug": f"t-{new_id().hex}", "name": "Acme", "owner_id": str((await make.user()).id)}

    refused = await client.post(f"{ADMIN}/tenants", json={**body, "plan": "silver"}, headers=staff)
    assert code_of(refused) == (404, "plan_unknown")
    assert await readback("select id from tenant where slug = :slug", slug=body["slug"]) == []

    made = await client.post(f"{ADMIN}/tenants", json={**body, "plan": "gold"}, headers=staff)
    assert (made.status_code, made.json()["plan"]) == (201, "gold")
    assert await granted_to(readback, made.json()["id"]) == GRANTED
