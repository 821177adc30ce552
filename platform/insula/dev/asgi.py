"""The application for a developer's machine: the installation's, with the mailbox page and sign-in on the docs pages.

``insula run`` serves it. ``insula serve`` serves ``insula.asgi``, which imports nothing from ``insula.dev``.
"""

from fastapi import FastAPI

from insula import asgi
from insula.apps import Installation
from insula.apps.settings import read
from insula.core.settings import Settings
from insula.dev.mailbox import MAILBOX, MAILBOX_PAGES, mailbox_router
from insula.dev.signing_in import SIGN_IN_ROUTES, SIGN_IN_SCRIPTS, SIGN_IN_STATIC, sign_in_router


class NotForProduction(RuntimeError):
    """The settings are those of production, where nobody may sign in as a demo user."""


def create_app(settings: Settings | None = None, installation: Installation | None = None) -> FastAPI:
    """Return the root app with ``/mailbox`` and ``/insula-dev``.

    Raises NotForProduction, and the errors of ``insula.asgi.create_app``.
    """
    settings, installation = read(settings, installation)
    if settings.environment == "production":
        raise NotForProduction(
            "insula.dev.asgi is for developers' machines: serve insula.asgi:create_app in production"
        )
    more = asgi.Additions(
        pages=(mailbox_router, sign_in_router(installation)),
        public_pages=MAILBOX_PAGES | SIGN_IN_ROUTES,
        tools=() if settings.mail.host else (MAILBOX,),
        static=SIGN_IN_STATIC,
        docs_scripts=SIGN_IN_SCRIPTS,
    )
    return asgi.create_app(settings, installation, more)
