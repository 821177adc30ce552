"""What other apps and the composition root may call. Everything else in billing is private."""

from billing.actions import GRANTS
from billing.errors import EntitlementUnknown, EventNotFound, OverrideMissing, PlanUnknown
from billing.models import EntitlementOverride
from billing.service.inbox import replay
from billing.service.overrides import Override, expire_overrides, lift_override, override, overrides_of
from billing.service.plans import apply_plan, regrant, start_free, start_on
from billing.service.sweep import JOBS, sweep

__all__ = [
    "GRANTS",
    "JOBS",
    "EntitlementOverride",
    "EntitlementUnknown",
    "EventNotFound",
    "Override",
    "OverrideMissing",
    "PlanUnknown",
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
]
