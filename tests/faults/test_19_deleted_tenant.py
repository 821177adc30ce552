"""Fault 19: tokens, keys and jobs of a deleted tenant have no effect, and its slug stays reserved.

No route deletes a tenant: an operator does, in the order of the references.
"""

from collections.abc import Mapping
from uuid import UUID

import httpx
import pytest
from pydantic import JsonValue

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.schema.base import metadata
from insula.jobs import JobContext, enqueue
from tenants.database import TENANTS
from tests.support.app import SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import answers, until
from tests.support.worker import job, quick, working
from tests.tenants.support import Caller, Readback, code_of, joined

TASK = "probe.never"
KEPT = {"audit_event", "audit_head", "tenant_slug"}  # the audit log and former slugs stay


async def erase(readback: Readback, tenant: TenantRow) -> None:
    """Delete the tenant as an operator does."""
    for table in reversed(metadata.sorted_tables):
        if "tenant_id" in table.columns and table.name not in KEPT and table.schema is None:
            statement = f'delete from "{table.name}" where tenant_id = :id returning 1'  # noqa: S608 - our own tables
            await readback(statement, id=tenant.id)
    await readback("delete from tenant where id = :id returning 1", id=tenant.id)


@pytest.fixture
async def newcomer(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    user = await make.user()
    return Caller(client, user, None, await sign_in(user))


async def test_tokens_and_keys_of_a_deleted_tenant_are_refused_and_its_slug_stays_reserved(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback, newcomer: Caller
) -> None:
    slug = f"gone-{newcomer.user.id.hex[-12:]}"
    made = await newcomer.post("/tenants", {"slug": slug, "name": "Gone"})
    assert made.status_code == 201
    [row] = await readback("select id from tenant where slug = :slug", slug=slug)
    tenant = TenantRow(id=UUID(str(row["id"])), slug=slug, name="Gone")
    owner = Caller(client, newcomer.user, tenant, await sign_in(newcomer.user, tenant))
    neighbour = await joined(client, make, sign_in, await make.tenant(plan="pro"))
    body = {"name": "Key", "actions": ["rack:read"]}
    keys = [(await caller.post("/api-keys", body)).json()["key"] for caller in (owner, neighbour)]

    async def by_key(key: str) -> httpx.Response:
        return await client.get("/api/v1/racks", headers={"X-API-Key": key})

    assert [(await by_key(key)).status_code for key in keys] == [200, 200]
    assert (await owner.get("/tenant")).status_code == 200

    await erase(readback, tenant)

    await answers(401, lambda: owner.get("/tenant"))
    await answers(401, lambda: by_key(keys[0]))
    assert (await by_key(keys[1])).status_code == 200
    assert (await neighbour.get("/tenant")).status_code == 200
    assert (await newcomer.get("/me")).status_code == 200  # the user still exists
    assert code_of(await newcomer.post("/tenants", {"slug": slug, "name": "Again"})) == (409, "slug_taken")
    assert (await newcomer.post("/tenants", {"slug": f"{slug}-2", "name": "Again"})).status_code == 201
    assert await readback("select 1 from audit_event where tenant_id = :id", id=tenant.id) != []


async def test_jobs_of_a_deleted_tenant_have_no_effect(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    gone, there = await make.tenant(), await make.tenant()
    ran: list[object] = []

    async def run(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        ran.append(context.tenant_id)

    queued = []
    for tenant in (gone, there):
        async with database.unit(TENANTS, tenant.id) as unit:
            queued.append(await enqueue(unit, TASK, {}, tenant_id=tenant.id))
    await erase(readback, gone)

    async with working(quick(settings), {TASK: run}):

        async def both_ended() -> bool:
            return {(await job(readback, number))["status"] for number in queued}.isdisjoint({"todo", "doing"})

        await until(both_ended, 20)
    assert [(await job(readback, number))["status"] for number in queued] == ["aborted", "succeeded"]
    assert ran == [there.id]
