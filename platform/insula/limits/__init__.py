"""Rate limits and concurrency limits."""

from insula.limits.circuit import Health
from insula.limits.client import close, connect
from insula.limits.concurrency.permits import Permit
from insula.limits.limiter import Limits
from insula.limits.mails import MailKind, refusal, to_mailbox
from insula.limits.rates.classes import AT_ONCE, CEILINGS, CONNECTIONS, ENTITLEMENTS, RATE, LimitClass
from insula.limits.rates.policies import KeyRate, RatePolicy, rate_policy
from insula.limits.rates.verdict import Verdict

__all__ = [
    "AT_ONCE",
    "CEILINGS",
    "CONNECTIONS",
    "ENTITLEMENTS",
    "RATE",
    "Health",
    "KeyRate",
    "LimitClass",
    "Limits",
    "MailKind",
    "Permit",
    "RatePolicy",
    "Verdict",
    "close",
    "connect",
    "rate_policy",
    "refusal",
    "to_mailbox",
]
