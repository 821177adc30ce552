"""The names that other apps may import. Everything else in billing is private."""

from billing.granting import regrant
from billing.subscriptions.service import apply_plan

__all__ = ["apply_plan", "regrant"]
