"""The docs pages of each app: Swagger UI and ReDoc from our own files, without inline scripts."""

import json
from asyncio import to_thread
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache, partial
from threading import Lock
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from insula.core.settings import EXAMPLE_ORIGIN
from insula.http.openapi.walk import Document
from insula.http.responses.contents import Content
from insula.pages.site import Site, html_page
from insula.site.openapi import document_of_all

# Both pages add style attributes and elements while they render; neither can use a nonce.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_POLICIES: Mapping[str, str] = {
    "docs": _POLICY,
    "redoc": f"{_POLICY}; worker-src blob:",  # ReDoc searches in a worker that it makes from a blob
}
_REDIRECT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
REDIRECT: Final = "/docs/oauth2-redirect"
"""Where the authorization server answers the docs pages: the redirect URI of their OAuth client."""

_Handler = Callable[[Request], Coroutine[None, None, Response]]


def add_documentation(app: FastAPI, site: Site, name: str, mount: str) -> None:
    """Add the routes for the OpenAPI document of ``app`` and its two pages; the root also gets that of all apps."""
    app.add_api_route("/openapi.json", _document(app.openapi, site.origin), include_in_schema=False, name="openapi")
    if not mount:
        everything = partial(document_of_all, app)
        app.add_api_route(
            "/openapi-all.json", _document(everything, site.origin), include_in_schema=False, name="openapi_all"
        )
        app.add_api_route(REDIRECT, _redirect, include_in_schema=False, name="oauth2_redirect")
    for kind in ("docs", "redoc"):
        app.add_api_route(f"/{kind}", _page(app, site, name, mount, kind), include_in_schema=False, name=kind)


def _page(app: FastAPI, site: Site, name: str, mount: str, kind: str) -> _Handler:
    other = "redoc" if kind == "docs" else "docs"
    html = site.page(
        f"{kind}.html",
        title=app.title,
        name=name,
        kind=kind,
        mount=mount,
        page=kind,
        other=other,
        redirect=f"{site.origin}{REDIRECT}",
    )

    async def show(_request: Request) -> Response:
        return HTMLResponse(html, headers={"Content-Security-Policy": _POLICIES[kind]})

    return show


async def _redirect(request: Request) -> Response:
    """Show the page whose script passes the answer in its address on to the docs page that waits for it."""
    return html_page(request, "oauth2_redirect.html", policy=_REDIRECT_POLICY, title="Signing in")


def _document(make: Callable[[], Document], origin: str) -> _Handler:
    made = Lock()

    @lru_cache(maxsize=1)
    def rendered() -> Content:
        document = json.dumps(make(), ensure_ascii=False, separators=(",", ":"))
        # With its own origin in them, examples work here as they stand.
        return Content.of(document.replace(EXAMPLE_ORIGIN, origin), "application/json")

    def once() -> Content:
        with made:
            return rendered()

    async def show(request: Request) -> Response:
        # Making a document takes a tenth of a second, in which the event loop serves other requests.
        content = rendered() if rendered.cache_info().currsize else await to_thread(once)
        return content.answer(request, {"Cache-Control": "no-cache"})

    return show
