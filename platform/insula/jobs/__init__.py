"""Background jobs: enqueued in the request's transaction, run by ``insula.worker``."""

from insula.jobs.context import ClaimEffect, Handler, Handlers, JobContext, Mailer, Periodic, TenantGone
from insula.jobs.effects import NotAccepted, OutcomeUnknown, effect_once, external_effect
from insula.jobs.enqueue import enqueue

__all__ = [
    "ClaimEffect",
    "Handler",
    "Handlers",
    "JobContext",
    "Mailer",
    "NotAccepted",
    "OutcomeUnknown",
    "Periodic",
    "TenantGone",
    "effect_once",
    "enqueue",
    "external_effect",
]
