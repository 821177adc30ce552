"""Renders HTML pages from templates, and serves their static files."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from insula.http.app_context import AppWithContext

STATIC: Final = Path(__file__).parent / "static"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of pages: only resources of this origin, nothing inline."""

_VERSIONED: Final = ("swagger-ui-", "redoc-")
_OURS: Final = "insula.pages"
_NO_FOLDERS: Final[Mapping[str, Path]] = MappingProxyType({})


@lru_cache
def _templates(package: str) -> Environment:
    loader = ChoiceLoader([PackageLoader(package), PackageLoader(_OURS)])  # every page extends our frame.html
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@dataclass(frozen=True, slots=True)
class Card:
    """One app on the home page and in the navigation."""

    name: str
    path: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Site:
    """The data of all pages: the product's name and description, and its apps, the root first.

    ``static`` maps names under ``/static`` to the resources' folders.
    """

    brand: str
    claim: str
    description: str
    apps: Sequence[Card]
    static: Mapping[str, Path] = field(default_factory=lambda: _NO_FOLDERS)

    def page(self, template: str, package: str = _OURS, /, **values: object) -> str:
        """Return a page rendered from a template with ``values``, which are escaped.

        The template is in the folder ``templates`` of ``package`` and can extend ``frame.html``.
        """
        return _templates(package).get_template(template).render(site=self, **values)


class AppWithPages(AppWithContext):
    """An app with the data of its pages, which ``make_app`` sets."""

    site: Site


def site_of(request: Request) -> Site:
    """Return the data of pages from this request's app."""
    app: AppWithPages = request.app
    return app.site


def html_page(request: Request, template: str, package: str = _OURS, /, **values: object) -> HTMLResponse:
    """Return a page of the root app with a content security policy; it is never cached. See ``Site.page``."""
    html = site_of(request).page(template, package, name=None, kind="home", page="docs", **values)
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


class Assets(StaticFiles):
    """Serves our static files and the resources'. Browsers cache them, forever if the folder's name has a version."""

    def __init__(self, folders: Mapping[str, Path] = _NO_FOLDERS) -> None:
        super().__init__(directory=STATIC)
        self._folders = {name: StaticFiles(directory=path) for name, path in folders.items()}

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file in the folder that the path begins with; the path is normalized."""
        name, _, rest = path.partition(os.sep)
        folder = self._folders.get(name)
        return super().lookup_path(path) if folder is None else folder.lookup_path(rest)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with its caching rule; the ETag is Starlette's."""
        response = await super().get_response(path, scope)
        fixed = path.startswith(_VERSIONED) and path.partition(os.sep)[0] not in self._folders
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fixed else "public, max-age=300"
        return response
