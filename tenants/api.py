"""What the rest of the house may use of this app. Everything else in it is private."""

from tenants.actions import GRANTS

__all__ = ["GRANTS"]
