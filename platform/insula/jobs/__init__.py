"""Background jobs: enqueued in the request's transaction, run by ``insula.worker``."""

from insula.jobs.context import ClaimEffect, Handler, Handlers, JobContext, Mailer, TenantGone
from insula.jobs.effects import effect_once
from insula.jobs.enqueue import enqueue
from insula.jobs.external import NotAccepted, OutcomeUnknown, external_effect
from insula.jobs.schedules import Periodic

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
