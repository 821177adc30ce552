"""Staff list and replay the payment provider's events."""

from uuid import UUID

import pytest

from billing.webhooks.sweep import sweep
from insula.core.ids import new_id
from insula.db.engine.pools import Database
from tests.support.factories import Factories, TenantRow
from tests.support.provider import (
    PRO_PRICE,
    JsonObject,
    Provider,
    Readback,
    at_price,
    event,
    make_customer,
    plan_of,
    stored,
    subscription,
)
from tests.support.staff import Caller, Hire, code_of

UPDATED = "customer.subscription.updated"


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


async def row_id(readback: Readback, message: JsonObject) -> UUID:
    (row,) = await stored(readback, message)
    return UUID(str(row["id"]))


async def test_all_staff_list_the_dead_letters_without_payloads(
    hire: Hire, provider: Provider, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    customer, canary = await make_customer(make, tenant), f"canary-{new_id().hex}"
    dead, handled = (event(UPDATED, subscription(customer, description=canary)) for _ in range(2))
    for message in (dead, handled):
        assert (await provider.send(message)).status_code == 200
    await readback("update webhook_event set status = 'dead' where event_id = :id", id=dead["id"])
    for role in ("superuser", "support", "auditor"):
        staff = await hire(role)
        everything = await staff.get("/webhook-events", search=customer, sort_by="received_at")
        by_status = await staff.get("/webhook-events", search=customer, status="dead")
        by_tenant = await staff.get("/webhook-events", tenant_id=str(tenant.id), type=UPDATED, skip=1)

        assert [found["event_id"] for found in everything.json()["items"]] == [dead["id"], handled["id"]]
        assert ([found["event_id"] for found in by_status.json()["items"]], by_status.json()["total"]) == (
            [dead["id"]],
            1,
        )
        assert [found["event_id"] for found in by_tenant.json()["items"]] == [dead["id"]]
        at = everything.json()["items"][1]["received_at"]
        later = await staff.get("/webhook-events", search=customer, received_since=at)
        earlier = await staff.get("/webhook-events", search=customer, received_until=at)
        assert [found["event_id"] for found in later.json()["items"]] == [handled["id"]]
        assert [found["event_id"] for found in earlier.json()["items"]] == [dead["id"]]
        assert canary not in everything.text + by_status.text + by_tenant.text


async def test_the_list_takes_two_statements(
    superuser: Caller, provider: Provider, make: Factories, tenant: TenantRow, statements: list[str]
) -> None:
    customer = await make_customer(make, tenant)
    for _ in range(3):
        await provider.send(event(UPDATED, subscription(customer)))
    for limit in (1, 100):
        statements.clear()

        answer = await superuser.get("/webhook-events", limit=limit)

        assert (answer.status_code, len(statements)) == (200, 2)


class TestReplay:
    async def test_a_replayed_event_has_its_effect_once_after_its_cause_is_removed(
        self,
        superuser: Caller,
        provider: Provider,
        make: Factories,
        tenant: TenantRow,
        worker: Database,
        readback: Readback,
    ) -> None:
        price = f"price_{new_id().hex}"
        message = event(UPDATED, subscription(await make_customer(make, tenant), items=at_price(price)))
        await provider.send(message)
        await readback("update webhook_event set status = 'dead', attempts = 8 where event_id = :id", id=message["id"])
        row = await row_id(readback, message)
        await readback("update plan set provider_price_id = :price where key = 'pro'", price=price)
        try:
            for _ in range(2):
                answer = await superuser.post(f"/webhook-events/{row}/replay")
                assert (answer.status_code, answer.json()["status"]) == (202, "pending")
                assert "payload" not in answer.json()
            await sweep(worker)
        finally:
            await readback("update plan set provider_price_id = :price where key = 'pro'", price=PRO_PRICE)

        assert (await stored(readback, message))[0]["status"] == "handled"
        assert await plan_of(readback, tenant) == "pro"
        assert (await superuser.post(f"/webhook-events/{row}/replay")).json()["status"] == "handled"
        assert await readback("select version from tenant where id = :id", id=tenant.id) == [{"version": 2}]
        acts = await readback("select actor_id, before, after from audit_event where object_id = :id", id=str(row))
        (act,) = acts
        assert act["actor_id"] == superuser.user.id
        assert act["after"] == {"status": "pending", "attempts": 0, "error": None}

    async def test_a_replayed_quarantined_event_finds_its_tenant(
        self,
        superuser: Caller,
        provider: Provider,
        make: Factories,
        tenant: TenantRow,
        worker: Database,
        readback: Readback,
    ) -> None:
        message = event(UPDATED, subscription(f"cus_{new_id().hex}"))
        await provider.send(message)
        assert (await stored(readback, message))[0]["status"] == "quarantined"
        row = await row_id(readback, message)
        customer = await make_customer(make, tenant)
        await readback("update webhook_event set customer = :customer where id = :id", customer=customer, id=row)

        assert (await superuser.post(f"/webhook-events/{row}/replay")).status_code == 202
        await sweep(worker)

        assert await plan_of(readback, tenant) == "pro"

    async def test_support_replays_events_auditors_do_not_and_an_unknown_event_is_not_found(
        self, hire: Hire, provider: Provider, readback: Readback
    ) -> None:
        message = event(UPDATED, subscription(f"cus_{new_id().hex}"))
        await provider.send(message)
        path = f"/webhook-events/{await row_id(readback, message)}/replay"
        support = await hire("support")

        assert code_of(await (await hire("auditor")).post(path)) == (403, "forbidden")
        assert (await stored(readback, message))[0]["status"] == "quarantined"
        assert (await support.post(path)).status_code == 202
        assert code_of(await support.post(f"/webhook-events/{new_id()}/replay")) == (404, "not_found")
