"""The HTML pages, from templates, and the static files that they use."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
_VERSIONED = ("swagger-ui-", "redoc-")


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(loader=PackageLoader("insula.app"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@dataclass(frozen=True, slots=True)
class Card:
    """One app on the home page and in the navigation."""

    name: str
    path: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages show: the product's name, what it says of itself, and its apps, the root first."""

    brand: str
    claim: str
    description: str
    apps: Sequence[Card]

    def page(self, template: str, **values: object) -> str:
        """Return the page that ``template`` makes of ``values``; every text in it is escaped."""
        return _templates().get_template(template).render(site=self, **values)


def site_of(request: Request) -> Site:
    """Return what the pages of this request's app show."""
    site: Site = request.app.state.site
    return site


class Assets(StaticFiles):
    """Our static files, cached by browsers: for good where the folder's name holds the version."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with its caching rule; the ETag is Starlette's."""
        response = await super().get_response(path, scope)
        fixed = path.startswith(_VERSIONED)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fixed else "public, max-age=300"
        return response
