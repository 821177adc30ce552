"""The app context: the data of one app that the guards and the sign-in use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from insula.callers import AppCallers
from insula.core.errors import AppError
from insula.core.settings import ERROR_PAGES, Settings
from insula.db.engine.roles import DatabaseRole

RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
"""The path of the apps' metadata (RFC 9728); the app's own path follows."""

ShowError = Callable[[Scope, AppError], Response]
"""Makes the page for a request that raised an error."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """The audience of an app's tokens (the ``resource`` of RFC 8707), its database role, and its callers.

    ``title`` is its name for people, and ``actions`` are those that its routes require.
    """

    app: str
    audience: str
    role: DatabaseRole
    callers: AppCallers
    title: str
    actions: frozenset[str]

    @property
    def metadata_url(self) -> str | None:
        """The URL that OAuth clients derive from the audience (RFC 9728); None if the app takes no access tokens."""
        if not self.callers.accept_tokens:
            return None
        parts = urlsplit(self.audience)
        return parts._replace(path=RESOURCE_METADATA + parts.path).geturl()


class AppWithContext(FastAPI):
    """A FastAPI app with typed attributes for its requests: ``app.state`` has no types and costs a microsecond.

    ``make_app`` sets ``name``, ``settings``, ``error_pages``, with which the ``type`` of each problem begins, and
    ``show_error``, which makes the page that browsers get in place of a problem. ``set_context`` sets ``context``, and
    ``name`` to the context's.
    """

    name: str = "root"
    settings: Settings
    error_pages: str = ERROR_PAGES
    show_error: ShowError | None = None
    context: AppContext | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Return the app's middleware around its router, in FastAPI's order, but without three layers of FastAPI.

        ``UnhandledErrors``, in the root's middleware, does the work of ServerErrorMiddleware, and RequestChecks that
        of the body limit. FastAPI's layer that adds exceptions to spans would see none.
        """
        layers = [
            *self.user_middleware,
            Middleware(ExceptionMiddleware, handlers=self.exception_handlers, debug=self.debug),
            Middleware(AsyncExitStackMiddleware),
        ]
        app: ASGIApp = self.router
        for layer, args, kwargs in reversed(layers):
            app = layer(app, *args, **kwargs)
        return app


def set_context(app: FastAPI, context: AppContext) -> None:
    """Let the guards of ``app``, which ``make_app`` built, find its context."""
    if not isinstance(app, AppWithContext):
        raise TypeError("an app with guards is built by make_app")
    app.context = context
    app.name = context.app


def error_pages_of(app: object) -> str:
    """Return the URL with which the ``type`` of each problem of ``app`` begins."""
    return app.error_pages if isinstance(app, AppWithContext) else ERROR_PAGES


def error_page_of(app: object) -> ShowError | None:
    """Return the function that makes the pages for errors of ``app``."""
    return app.show_error if isinstance(app, AppWithContext) else None


def context_if_any(app: object) -> AppContext | None:
    """Return the context of ``app``; None for one without guards, such as the root."""
    return app.context if isinstance(app, AppWithContext) else None


def context_of(connection: HTTPConnection) -> AppContext:
    """Return the context of the app that serves this connection."""
    context: AppContext = connection.scope["app"].context
    return context
