"""How much a tenant may ask for, and how fast a door may be tried."""

from insula.limits.circuit import Health
from insula.limits.client import close, connect
from insula.limits.concurrency.permits import Slot
from insula.limits.limiter import Limits
from insula.limits.mails import Mail, refusal, to_mailbox
from insula.limits.rates.classes import AT_ONCE, CEILINGS, ENTITLEMENTS, RATE, LimitClass
from insula.limits.rates.policies import Door, KeyRate, door_to
from insula.limits.rates.verdict import Verdict

__all__ = [
    "AT_ONCE",
    "CEILINGS",
    "ENTITLEMENTS",
    "RATE",
    "Door",
    "Health",
    "KeyRate",
    "LimitClass",
    "Limits",
    "Mail",
    "Slot",
    "Verdict",
    "close",
    "connect",
    "door_to",
    "refusal",
    "to_mailbox",
]
