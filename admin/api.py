"""What the composition root may use. No app stands above admin, so nothing else calls it."""

from admin.actions import GRANTS

__all__ = ["GRANTS"]
