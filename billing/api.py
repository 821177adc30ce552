"""What other apps and the composition root may call. Everything else in billing is private."""

from billing.actions import GRANTS
from billing.errors import EntitlementUnknown, EventNotFound, OverrideMissing, PlanUnknown
from billing.jobs import JOBS
from billing.models import EntitlementOverride
from billing.queries import SUBSCRIPTIONS_OF_UNKNOWN_STATUS
from billing.schemas import WebhookEventList, WebhookEventRead
from billing.service.overrides import Override, expire_overrides, lift_override, override, overrides_of
from billing.service.plans import apply_plan, regrant, start_free, start_on
from billing.service.stuck import replay, webhook_events
from billing.service.sweep import sweep

__all__ = [
    "GRANTS",
    "JOBS",
    "SUBSCRIPTIONS_OF_UNKNOWN_STATUS",
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
