"""Work after the response: enqueued in the request's transaction, run by ``insula.worker``."""

from insula.jobs.context import Handler, Handlers, JobContext, Mailer, TenantGone
from insula.jobs.effects import effect_once
from insula.jobs.enqueue import enqueue

__all__ = ["Handler", "Handlers", "JobContext", "Mailer", "TenantGone", "effect_once", "enqueue"]
