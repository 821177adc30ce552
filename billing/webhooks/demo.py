"""Makes one demo tenant a customer of the payment provider, so that webhooks can be tried."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import Demo, enter_tenant
from insula.core.ids import new_id

SLUG: Final = "globex"
CUSTOMER: Final = "cus_demo_globex"

_FOUND: Final = text("SELECT id FROM tenant WHERE slug = :slug")
_CUSTOMER: Final = text("""
    INSERT INTO billing_customer (tenant_id, id, provider, provider_customer_id, created_at, updated_at, version)
    VALUES (:tenant_id, :id, 'stripe', :customer, :now, :now, 1) ON CONFLICT DO NOTHING
""")


def seed(connection: Connection, demo: Demo) -> None:
    """Make the tenant a customer, even if it was made before billing was installed."""
    tenant_id = connection.execute(_FOUND, {"slug": SLUG}).scalar_one_or_none()
    if tenant_id is not None:
        enter_tenant(connection, tenant_id)
        row = {"tenant_id": tenant_id, "id": new_id(), "customer": CUSTOMER, "now": demo.now}
        connection.execute(_CUSTOMER, row)
