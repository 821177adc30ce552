"""Fault 5: a webhook whose metadata names B and whose customer is A's applies to A, or is quarantined."""

from uuid import uuid4

from tests.support.factories import Factories
from tests.support.provider import Provider, Readback, event, make_customer, plan_of, stored, subscription

UPDATED = "customer.subscription.updated"


async def test_the_customer_decides_the_tenant_and_metadata_does_not(
    provider: Provider, make: Factories, readback: Readback
) -> None:
    mine, theirs = await make.tenant(), await make.tenant()
    metadata = {"tenant_id": str(theirs.id), "tenant": theirs.slug}
    bought = subscription(await make_customer(make, mine), metadata=metadata)

    answer = await provider.send(event(UPDATED, bought, metadata=metadata))

    assert answer.status_code == 200
    assert await plan_of(readback, theirs) == "free"
    assert await plan_of(readback, mine) == "pro"


async def test_an_unknown_customer_is_quarantined_in_spite_of_metadata(
    provider: Provider, make: Factories, readback: Readback
) -> None:
    theirs = await make.tenant()
    bought = subscription(f"cus_{uuid4().hex}", metadata={"tenant_id": str(theirs.id)})
    message = event(UPDATED, bought)

    answer = await provider.send(message)

    assert answer.status_code == 200
    (row,) = await stored(readback, message)
    assert (row["status"], row["tenant_id"]) == ("quarantined", None)
    assert await plan_of(readback, theirs) == "free"
    await provider.send(event(UPDATED, subscription(await make_customer(make, theirs))))
    assert await plan_of(readback, theirs) == "pro"


async def test_a_subscription_does_not_move_to_another_tenant(
    provider: Provider, make: Factories, readback: Readback
) -> None:
    mine, theirs = await make.tenant(), await make.tenant()
    bought = subscription(await make_customer(make, mine))
    await provider.send(event(UPDATED, bought))

    # A subscription id of the provider gives no access to another tenant's rows.
    await provider.send(event(UPDATED, bought | {"customer": await make_customer(make, theirs), "status": "unpaid"}))

    assert await plan_of(readback, mine) == "pro"
    assert await plan_of(readback, theirs) == "free"
