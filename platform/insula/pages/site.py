"""Renders HTML pages from templates in the product's look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from insula.core.look import Look
from insula.core.settings import EXAMPLE_ORIGIN
from insula.http.app_context import AppWithContext
from insula.pages.assets import LOOK, logo_name

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of pages: only resources of this origin, nothing inline."""

FORM_POLICY: Final = POLICY.replace("form-action 'none'", "form-action 'self'")
"""The policy of pages whose forms work without scripts."""

_OURS: Final = "insula.pages"


@lru_cache
def _templates(package: str) -> Environment:
    loader = ChoiceLoader([PackageLoader(package), PackageLoader(_OURS)])  # every page extends our frame.html
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to an app, or to a page such as the mailbox, on the home page and in the developers' navigation."""

    name: str
    path: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Site:
    """The data of all pages: the product's look and description, and its apps, the root first.

    ``static`` maps names under ``/static`` to the resources' folders. ``tools`` are further pages for developers.
    ``origin`` is the public URL, for examples; ``documented`` says whether docs pages are served, and ``docs_scripts``
    are paths of further scripts of theirs. ``docs_client`` is the id of the OAuth client with which they sign in, or
    empty.
    ``license`` and ``contact`` are for the OpenAPI documents.
    """

    look: Look
    claim: str
    description: str
    apps: Sequence[Link]
    static: Mapping[str, Path] = field(default_factory=dict)
    tools: Sequence[Link] = ()
    origin: str = EXAMPLE_ORIGIN
    documented: bool = True
    docs_scripts: Sequence[str] = ()
    docs_client: str = ""
    license: str = ""
    contact: str = ""

    @property
    def brand(self) -> str:
        """The product's name."""
        return self.look.name

    @property
    def logo(self) -> str:
        """The path of the product's logo."""
        return f"/static/{LOOK}/{logo_name(self.look.logo)}"

    def page(self, template: str, package: str = _OURS, /, **values: object) -> str:
        """Return a page rendered from a template with ``values``, which are escaped.

        The template is in the folder ``templates`` of ``package``. It can extend ``frame.html``, the product's layout,
        or ``developers.html``, which adds the navigation between the apps' documents.
        """
        return _templates(package).get_template(template).render(site=self, **values)


class AppWithPages(AppWithContext):
    """An app with the data of its pages, which ``make_app`` sets."""

    site: Site


def site_of(request: Request) -> Site:
    """Return the data of pages from this request's app."""
    app: AppWithPages = request.app
    return app.site


def html_page(
    request: Request,
    template: str,
    package: str = _OURS,
    /,
    *,
    policy: str = POLICY,
    status: int = 200,
    **values: object,
) -> HTMLResponse:
    """Return a page of the root app with a content security policy; it is never cached. See ``Site.page``."""
    html = site_of(request).page(template, package, **values)
    return HTMLResponse(html, int(status), {"Content-Security-Policy": policy, "Cache-Control": "no-store"})
