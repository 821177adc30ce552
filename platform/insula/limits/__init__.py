"""How much a tenant may ask for, and how fast a door may be tried."""

from insula.limits.classes import LimitClass
from insula.limits.client import close, connect
from insula.limits.limiter import Limits
from insula.limits.verdict import Verdict

__all__ = ["LimitClass", "Limits", "Verdict", "close", "connect"]
