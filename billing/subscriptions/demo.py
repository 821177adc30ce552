"""The demo tenants' subscriptions and entitlements."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import Demo, enter_tenant
from insula.core.ids import new_id

_SUBSCRIPTION: Final = text("""
    INSERT INTO subscription (tenant_id, id, plan_key, status, created_at, updated_at, version)
    VALUES (:tenant_id, :id, :plan, 'active', :now, :now, 1)
""")
_ENTITLEMENTS: Final = text("""
    INSERT INTO entitlement (tenant_id, key, value, updated_at)
    SELECT :tenant_id, granted.key, granted.value::bigint, :now
    FROM plan, jsonb_each_text(plan.entitlements) AS granted WHERE plan.key = :plan
""")


def seed(connection: Connection, demo: Demo) -> None:
    """Put the new demo tenants on their plans."""
    for tenant in demo.tenants:
        enter_tenant(connection, tenant.id)
        row = {"tenant_id": tenant.id, "plan": tenant.plan, "now": demo.now}
        connection.execute(_SUBSCRIPTION, {**row, "id": new_id()})
        connection.execute(_ENTITLEMENTS, row)
