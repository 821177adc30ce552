"""How much a tenant may ask for, and how fast a door may be tried."""

from insula.limits.classes import CEILINGS, ENTITLEMENTS, RATE, LimitClass
from insula.limits.client import close, connect
from insula.limits.doors import KeyRate
from insula.limits.limiter import Limits
from insula.limits.verdict import Verdict

__all__ = [
    "CEILINGS",
    "ENTITLEMENTS",
    "RATE",
    "KeyRate",
    "LimitClass",
    "Limits",
    "Verdict",
    "close",
    "connect",
]
