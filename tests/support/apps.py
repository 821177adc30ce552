"""The apps of the installation under test."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from sqlalchemy import Table

from insula import mail
from insula.apps.build import build, contexts_of, policy_of, site_of, vocabularies_of
from insula.callers import Members
from insula.core import settings as kernel_settings
from insula.core.settings import Settings
from insula.db.schema.base import metadata
from insula.dev.mailbox import MAILBOX_PAGES
from insula.dev.signing_in import SIGN_IN_ROUTES
from insula.http.routing.route_check import DOCUMENTATION
from insula.jobs import Handlers, Periodic
from insula.site.root import PUBLIC as ROOT_PUBLIC
from insula.worker import tasks
from tests.probe import installation

INSTALLATION: Final = installation.INSTALLATION
DECLARED: Final = INSTALLATION.database
TABLES: Final[tuple[Table, ...]] = tuple(metadata.sorted_tables)
"""Every table of the installation, those that others refer to first."""

SITE: Final = site_of(INSTALLATION, Settings.model_construct())
POLICY: Final = policy_of(INSTALLATION)
WORDS: Final = vocabularies_of(INSTALLATION, POLICY)
MOUNTS: Final[Mapping[str, str]] = {"root": "", **{app.name: app.mount for app in INSTALLATION.apps}}
PUBLIC: Final[Mapping[str, frozenset[str]]] = {
    "root": ROOT_PUBLIC.union(
        MAILBOX_PAGES, SIGN_IN_ROUTES, *(resource.public_pages for resource in INSTALLATION.resources)
    ),
    **{app.name: DOCUMENTATION | app.public for app in INSTALLATION.apps},
}
APPS_FOR_MEMBERS: Final = tuple(
    app.name for app in INSTALLATION.apps if any(isinstance(kind, Members) for kind in app.callers)
)
"""The apps that admit members of tenants."""

HANDLERS: Final[Handlers] = tasks.handlers_of(INSTALLATION)
PERIODIC: Final[tuple[Periodic, ...]] = tasks.periodic_of(INSTALLATION)
MAIL_JOBS: Final[Handlers] = mail.jobs(INSTALLATION.emails, INSTALLATION.brand.look)


def audience(settings: Settings, app: str) -> str:
    """Return the audience of the tokens for the app of that name."""
    return kernel_settings.audience(settings, MOUNTS[app])


def built(app: str, settings: Settings) -> FastAPI:
    """Return one app without the root, as the root would mount it."""
    return build(INSTALLATION.app(app), settings, SITE, contexts_of(INSTALLATION, settings)[app], WORDS)


def is_of_an_installation(variable: str) -> bool:
    """Return whether an environment variable is a setting; ``INSULA_TEST_PRODUCT`` belongs to the tests."""
    named = variable.startswith("INSULA_") or variable in {"DATABASE_URL", "REDIS_URL"}
    return named and variable != installation.VARIABLE
