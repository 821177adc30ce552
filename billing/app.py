from pathlib import Path
from typing import Final

from billing.database import DATABASE
from billing.entitlements import resource as entitlements
from billing.overrides import resource as overrides
from billing.plans import resource as plans
from billing.settings import BillingSettings
from billing.subscriptions import resource as subscriptions
from billing.subscriptions.service import start_on
from billing.webhook_events import resource as webhook_events
from billing.webhooks import resource as webhooks
from insula.apps import App
from insula.callers import ApiKeys, Members, OAuthClients

APP: Final = App(
    name="billing",
    mount="/billing",
    title="Insula billing",
    description="A tenant's subscription and entitlements, and the payment provider's webhooks.",
    purpose="Plans, subscriptions, entitlements, and the payment provider's webhooks.",
    version="1",
    database=DATABASE,
    callers=(Members(), ApiKeys(), OAuthClients()),
    settings=BillingSettings,
    on_new_tenant=start_on,
    migrations=Path(__file__).parent / "migrations",
    resources=(
        plans.RESOURCE,
        subscriptions.RESOURCE,
        entitlements.RESOURCE,
        webhooks.RESOURCE,
        overrides.RESOURCE,
    ),
)

OVERRIDES: Final = overrides.FOR_STAFF
WEBHOOK_EVENTS: Final = webhook_events.FOR_STAFF
"""The staff's side of billing: an installation joins these two to the admin app."""
