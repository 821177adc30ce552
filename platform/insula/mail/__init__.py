"""Mail: written from templates, enqueued with the change it tells of, sent by the worker."""

from insula.mail.outbox import JOBS, send_mail

__all__ = ["JOBS", "send_mail"]
