"""Plans, subscriptions, overrides by staff, the provider's customers and the inbox of its webhooks."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from insula.db.schema.ddl import create_table, create_tenant_table, each_tenant

revision: Final = "billing_0001"
down_revision: Final = None
branch_labels: Final = ("billing",)
replaces: Final = "1630_operations_of_keys"

TIME: Final = sa.DateTime(timezone=True)
PLANS: Final = (
    {
        "key": "free",
        "name": "Free",
        "price_minor": 0,
        "entitlements": {"requests_per_minute": 60, "projects": 3, "items": 1_000, "seats": 5},
        "provider_price_id": None,
        "lookup_key": None,
    },
    {
        "key": "pro",
        "name": "Pro",
        "price_minor": 4_900,
        "entitlements": {"requests_per_minute": 6_000, "projects": 100, "items": 100_000, "seats": 50},
        "provider_price_id": "price_pro_month",
        "lookup_key": "pro_month",
    },
)
SUBSCRIBE: Final = """
    INSERT INTO subscription (tenant_id, id, created_at, updated_at, version, plan_key, status)
    SELECT tenant.id, gen_random_uuid(), now(), now(), 1, plan.key, 'active'
    FROM tenant JOIN plan ON plan.key = tenant.plan
    WHERE tenant.id = nullif(current_setting('app.tenant_id', true), '')::uuid
"""
ENTITLE: Final = """
    INSERT INTO entitlement (tenant_id, key, value, updated_at)
    SELECT tenant.id, granted.key, granted.value::bigint, now()
    FROM tenant JOIN plan ON plan.key = tenant.plan, jsonb_each_text(plan.entitlements) AS granted
    WHERE tenant.id = nullif(current_setting('app.tenant_id', true), '')::uuid
    ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
"""


def upgrade() -> None:
    _plans()
    _subscriptions()
    _overrides()
    _customers()
    _inbox()
    _put_existing_tenants_on_their_plans()


def downgrade() -> None:
    for table in ("webhook_event", "billing_customer", "entitlement_override", "subscription", "plan"):
        op.drop_table(table)


def _plans() -> None:
    create_table(
        "plan",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("price_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("interval", sa.Text, nullable=False),
        sa.Column("entitlements", JSONB, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("provider_price_id", sa.Text),
        sa.Column("lookup_key", sa.Text),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("provider_price_id"),
        sa.UniqueConstraint("lookup_key"),
        sa.CheckConstraint("price_minor >= 0", name="ck_plan_price_minor"),
        sa.CheckConstraint("interval in ('month', 'year')", name="ck_plan_interval"),
    )
    names = ("key", "name", "price_minor", "currency", "interval", "active", "provider_price_id", "lookup_key")
    plan = sa.table("plan", *map(sa.column, names), sa.column("entitlements", JSONB))
    op.bulk_insert(plan, [{**offer, "currency": "eur", "interval": "month", "active": True} for offer in PLANS])


def _subscriptions() -> None:
    create_tenant_table(
        "subscription",
        sa.Column("plan_key", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("seats", sa.Integer),
        sa.Column("current_period_end", TIME),
        sa.Column("provider_subscription_id", sa.Text),
        sa.Column("provider_created_at", TIME),
        sa.Column("provider_updated_at", TIME),
        sa.Column("provider_position", sa.Text),
        sa.UniqueConstraint("tenant_id", "provider_subscription_id", postgresql_nulls_not_distinct=True),
        sa.ForeignKeyConstraint(["plan_key"], ["plan.key"]),
    )


def _overrides() -> None:
    create_tenant_table(
        "entitlement_override",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.CheckConstraint("value >= 0", name="ck_entitlement_override_value"),
    )
    op.create_index(None, "entitlement_override", ["expires_at"])


def _customers() -> None:
    create_tenant_table(
        "billing_customer",
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("provider_customer_id", sa.Text, nullable=False),
        sa.UniqueConstraint("provider", "provider_customer_id"),
    )


def _inbox() -> None:
    create_table(
        "webhook_event",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("customer", sa.Text),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("handled_at", TIME),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "event_id"),
        sa.CheckConstraint("status in ('pending', 'handled', 'quarantined', 'dead')", name="ck_webhook_event_status"),
    )
    for name, columns, status in (
        ("ix_webhook_event_due", ["next_attempt_at"], "pending"),
        ("ix_webhook_event_quarantine", ["provider", "customer"], "quarantined"),
    ):
        op.create_index(name, "webhook_event", columns, postgresql_where=sa.text(f"status = '{status}'"))
    op.create_index("ix_webhook_event_customer", "webhook_event", ["provider", "customer"])


def _put_existing_tenants_on_their_plans() -> None:
    """Give the tenants of a database that had no billing yet what their plans grant."""
    each_tenant("subscription", SUBSCRIBE)
    each_tenant("entitlement", ENTITLE)
