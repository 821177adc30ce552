"""The application for a developer's machine: the installation's, with the mailbox page.

``insula run`` serves it. ``insula serve`` serves ``insula.asgi``, which imports nothing from ``insula.dev``.
"""

from fastapi import FastAPI

from insula import asgi
from insula.apps import Installation
from insula.apps.settings import read
from insula.core.settings import Settings
from insula.dev.mailbox import MAILBOX, MAILBOX_PAGES, mailbox_router


def create_app(settings: Settings | None = None, installation: Installation | None = None) -> FastAPI:
    """Return the root app with ``/mailbox``. Raises the errors of ``insula.asgi.create_app``."""
    settings, installation = read(settings, installation)
    tools = () if settings.mail.host else (MAILBOX,)
    return asgi.create_app(settings, installation, pages=(mailbox_router,), public_pages=MAILBOX_PAGES, tools=tools)
