"""Changes by the payment provider are recorded in the tenant's audit log."""

from billing.webhooks import inbox
from insula.db.engine.pools import Database
from tests.support.factories import Factories
from tests.support.provider import Readback, event, make_customer, subscription


async def test_the_audit_event_names_the_providers_event(
    make: Factories, database: Database, readback: Readback
) -> None:
    tenant = await make.tenant()
    message = event("customer.subscription.created", subscription(await make_customer(make, tenant)))
    for _ in range(2):
        await inbox.receive(database, message, live_mode=False)
    statement = "SELECT * FROM audit_event WHERE tenant_id = :id ORDER BY sequence"
    bought, changed = await readback(statement, id=tenant.id)
    assert (bought["action"], bought["object_type"]) == ("subscription.created", "subscription")
    assert (changed["action"], changed["before"], changed["after"]) == (
        "tenant.plan_changed",
        {"plan": "free"},
        {"plan": "pro"},
    )
    for one in (bought, changed):
        assert (one["actor_kind"], one["actor_label"], one["request_id"]) == ("provider", "stripe", message["id"])
