"""What the guards and the login need to know of one app."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from insula.db.roles import DatabaseRole


@dataclass(frozen=True, slots=True)
class AppContext:
    """The audience of an app's tokens (the ``resource`` of RFC 8707), its database role, and what it takes."""

    app: str
    audience: str
    role: DatabaseRole
    takes_api_keys: bool


def give_context(app: FastAPI, context: AppContext) -> None:
    """Let the guards of ``app`` find its context."""
    app.state.context = context


def context_of(connection: HTTPConnection) -> AppContext:
    """Return the context of the app that this connection came to."""
    context: AppContext = connection.scope["app"].state.context
    return context
