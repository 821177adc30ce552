"""The page that a person's browser gets in place of a problem. See ``insula.http.responses.media_types``."""

from typing import Final, NamedTuple

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from insula.core.errors import AppError, NotFound, RateLimited, Unauthenticated, Unavailable
from insula.http.app_context import error_pages_of
from insula.http.errors import InternalFailure, MethodNotAllowed
from insula.http.responses.problems import request_id_of
from insula.pages.site import POLICY, Site


class _Words(NamedTuple):
    title: str
    text: str


_FOR_PROGRAMS: Final = "This is an address for programs, not a page."
_WORDS: Final = {
    NotFound.code: _Words(
        "Page not found", "There is no page at this address. It may have moved, or have a typing error."
    ),
    Unauthenticated.code: _Words("Not a page", f"{_FOR_PROGRAMS} They send an access token or an API key with it."),
    MethodNotAllowed.code: _Words("Not a page", f"{_FOR_PROGRAMS} They call it with another method than GET."),
    RateLimited.code: _Words("Too many requests", "Wait a moment, and try again."),
    InternalFailure.code: _Words(
        "Something went wrong", "The fault is ours, and we have a record of it. Try again later."
    ),
    Unavailable.code: _Words("Not available now", "A part of the system does not answer. Try again in a moment."),
}


def show_error(site: Site, scope: Scope, error: AppError) -> Response:
    """Return the page for ``error``, with its status and headers."""
    words = _WORDS.get(error.code) or _Words(
        error.title(), error.meaning if error.detail == error.title() else error.detail
    )
    mount: str = scope.get("root_path", "")
    app = next((app for app in site.apps if app.path == mount), None) if mount else None
    html = site.page(
        "problem.html",
        title=words.title,
        text=words.text,
        code=error.code,
        explanation=error_pages_of(scope["app"]) + error.code,
        request_id=request_id_of(scope),
        app=app,
    )
    headers = {**error.headers, "Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Vary": "Accept"}
    return HTMLResponse(html, error.status, headers)
