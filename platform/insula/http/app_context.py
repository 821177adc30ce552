"""The app context: what the guards and the sign-in need to know of one app."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from insula.callers import AppCallers
from insula.core.settings import Settings
from insula.db.engine.roles import DatabaseRole


@dataclass(frozen=True, slots=True)
class AppContext:
    """The audience of an app's tokens (the ``resource`` of RFC 8707), its database role, and its callers."""

    app: str
    audience: str
    role: DatabaseRole
    callers: AppCallers


class AppWithContext(FastAPI):
    """An app with what its requests need of it: attributes, since ``app.state`` has no types and costs a microsecond.

    ``make_app`` sets ``name`` and ``settings``; ``give_context`` sets ``context``, and the name that it says.
    """

    name: str = "root"
    settings: Settings
    context: AppContext | None = None


def give_context(app: FastAPI, context: AppContext) -> None:
    """Let the guards of ``app``, which ``make_app`` built, find its context."""
    if not isinstance(app, AppWithContext):
        raise TypeError("an app with guards is built by make_app")
    app.context = context
    app.name = context.app


def context_of(connection: HTTPConnection) -> AppContext:
    """Return the context of the app that this connection came to."""
    context: AppContext = connection.scope["app"].context
    return context
