"""What other apps and the composition root may call. Everything else in billing is private."""

from billing.granting import regrant
from billing.overrides.errors import EntitlementUnknown, OverrideMissing
from billing.overrides.models import EntitlementOverride
from billing.overrides.service import Override, expire_overrides, lift_override, override, overrides_of
from billing.plans.errors import PlanUnknown
from billing.subscriptions.service import apply_plan, start_free, start_on
from billing.webhooks.errors import EventNotFound
from billing.webhooks.schemas import WebhookEventList, WebhookEventRead
from billing.webhooks.service import replay, webhook_events
from billing.webhooks.sweep import sweep

__all__ = [
    "EntitlementOverride",
    "EntitlementUnknown",
    "EventNotFound",
    "Override",
    "OverrideMissing",
    "PlanUnknown",
    "WebhookEventList",
    "WebhookEventRead",
    "apply_plan",
    "expire_overrides",
    "lift_override",
    "override",
    "overrides_of",
    "regrant",
    "replay",
    "start_free",
    "start_on",
    "sweep",
    "webhook_events",
]
