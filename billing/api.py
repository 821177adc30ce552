"""What other apps and the composition root may call. Everything else in billing is private."""

from billing.actions import GRANTS
from billing.service.inbox import replay
from billing.service.plans import apply_plan, start_free
from billing.service.sweep import sweep

__all__ = ["GRANTS", "apply_plan", "replay", "start_free", "sweep"]
