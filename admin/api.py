"""What the composition root may use. No app stands above admin, so nothing else calls it."""

from admin.staff.service import appoint_by_operator

__all__ = ["appoint_by_operator"]
