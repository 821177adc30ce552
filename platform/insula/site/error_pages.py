"""The pages that explain errors: each error's, to which the ``type`` of its problems leads, and the list of all.

Both answer JSON to programs that ask for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from insula.core.errors import AppError, ManifestError, NotFound, Retry
from insula.core.paging import Page
from insula.core.settings import Settings, error_pages
from insula.http.errors import UNNAMED_ERRORS
from insula.http.responses.contents import Content
from insula.http.responses.media_types import prefers_json
from insula.http.routing.route import PublicRoute
from insula.pages.site import POLICY, Link, Site

ERRORS: Final = Link("errors", "/errors", "What each error means, and what to do.")
HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json"
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "public, max-age=300",
    "Content-Security-Policy": POLICY,
    "Vary": "Accept",
}

Format = Annotated[Literal["html", "json"] | None, Query(description="The media type, if Accept does not name it.")]


class ErrorRead(BaseModel):
    """The explanation of an error."""

    type: str
    code: str
    status: int
    title: str
    meaning: str
    cure: str
    retry: Retry = Field(description="Whether it helps to repeat the request.")


def declared_errors() -> Mapping[str, type[AppError]]:
    """Return the error classes of all imported modules by code, without those for a mere HTTP status."""
    unnamed = frozenset(UNNAMED_ERRORS.values())
    return by_code(kind for kind in _declared_below(AppError) if kind not in unnamed)


def by_code(kinds: Iterable[type[AppError]]) -> Mapping[str, type[AppError]]:
    """Return the classes by their codes, sorted. Raises ManifestError if two have the same code."""
    found: dict[str, type[AppError]] = {}
    for kind in kinds:
        other = found.setdefault(kind.code, kind)
        if other is not kind:
            raise ManifestError(f"two errors have the code {kind.code!r}, {_path(other)} and {_path(kind)}: rename one")
    return dict(sorted(found.items()))


def _declared_below(kind: type[AppError]) -> Iterator[type[AppError]]:
    for derived in kind.__subclasses__():
        if "code" in vars(derived):
            yield derived
        yield from _declared_below(derived)


def _path(kind: type[AppError]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def error_router(settings: Settings, site: Site) -> APIRouter:
    """Return the routes of the pages. Raises ManifestError if two errors have one code."""
    router = APIRouter(route_class=PublicRoute, include_in_schema=False)
    pages = _ErrorPages(settings, site)
    router.add_api_route("/errors", pages.all, methods=["GET"])
    router.add_api_route("/errors/{error_code}", pages.one, methods=["GET"])
    return router


class _ErrorPages:
    """The pages. Each is rendered when it is first asked for."""

    def __init__(self, settings: Settings, site: Site) -> None:
        self._url = error_pages(settings)
        self._site = site
        self._listed = declared_errors()
        self._errors = {**by_code(UNNAMED_ERRORS.values()), **self._listed}
        self._rendered = lru_cache(maxsize=None)(self._render)  # at most two for each error

    async def all(self, request: Request, format: Format = None) -> Response:  # noqa: A002 - the parameter's name
        """Show every error by its HTTP status."""
        return self._answer(request, None, format)

    async def one(self, request: Request, error_code: str, format: Format = None) -> Response:  # noqa: A002 - as above
        """Show what the error means, and what to do. Raises NotFound for a code that no error has."""
        if error_code not in self._errors:
            raise NotFound
        return self._answer(request, error_code, format)

    def _answer(self, request: Request, code: str | None, wanted: Literal["html", "json"] | None) -> Response:
        as_json = prefers_json(request) if wanted is None else wanted == "json"
        return self._rendered(code, as_json).answer(request, _HEADERS)

    def _render(self, code: str | None, as_json: bool) -> Content:  # noqa: FBT001 - the key of a cache
        if as_json:
            read = self._page() if code is None else self._read(self._errors[code])
            return Content.of(read.model_dump_json(), JSON)
        return Content.of(self._index() if code is None else self._explained(self._errors[code]), HTML)

    def _page(self) -> Page[ErrorRead]:
        return Page[ErrorRead](items=[self._read(error) for error in self._listed.values()], next_cursor=None)

    def _read(self, error: type[AppError]) -> ErrorRead:
        return ErrorRead(
            type=self._url + error.code,
            code=error.code,
            status=error.status,
            title=error.title(),
            meaning=error.meaning,
            cure=error.cure,
            retry=error.retry,
        )

    def _index(self) -> str:
        by_status = sorted(self._listed.values(), key=lambda error: error.status)
        groups = [
            (status, HTTPStatus(status).phrase, [self._read(error) for error in errors])
            for status, errors in groupby(by_status, key=lambda error: error.status)
        ]
        return self._site.page("errors.html", title="Errors", groups=groups)

    def _explained(self, error: type[AppError]) -> str:
        read = self._read(error)
        return self._site.page(
            "error.html",
            title=f"{read.code}: {read.title}",
            error=read,
            phrase=HTTPStatus(read.status).phrase,
            advice=read.retry.advice,
        )
