"""Mail: written from templates, enqueued with the change it tells of, sent by the worker."""

from insula.mail.outbox import jobs, send_mail
from insula.mail.templates import EmailTemplate

__all__ = ["EmailTemplate", "jobs", "send_mail"]
