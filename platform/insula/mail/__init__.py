"""Email: rendered from templates, enqueued in the transaction of its cause, sent by the worker."""

from insula.mail.outbox import jobs, send_mail
from insula.mail.templates import EmailTemplate

__all__ = ["EmailTemplate", "jobs", "send_mail"]
