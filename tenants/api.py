"""What the rest of the house may use of this app. Everything else in it is private."""

from tenants.actions import GRANTS
from tenants.queries.holdings import Holdings, holdings

__all__ = ["GRANTS", "Holdings", "holdings"]
