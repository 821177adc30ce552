"""The OpenAPI document of an app: FastAPI's own, completed by ``insula.http.openapi``; and one document of all apps."""

from collections.abc import Iterator, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import Mount

from insula.core.settings import EXAMPLE_ORIGIN
from insula.http.openapi.complete import complete
from insula.http.openapi.error_links import link_errors
from insula.http.openapi.merged import Part, merge
from insula.http.openapi.security import OAuthFlow
from insula.http.openapi.vocabularies import Vocabularies
from insula.http.openapi.walk import Document
from insula.pages.site import AppWithPages
from insula.signin import AUTHORIZE, TOKEN_ENDPOINT

_ALL: Final = "All apps of this installation: signing in, and each app under its path."


class DocumentedApp(AppWithPages):
    """A FastAPI app whose document includes the errors that any request can get.

    ``scopes`` are the actions of its routes, with their meanings.
    """

    vocabularies: Vocabularies = MappingProxyType({})
    scopes: Mapping[str, str] = MappingProxyType({})

    def __init__(self, **options: Any) -> None:
        self._completed: Document | None = None
        self._making = Lock()
        super().__init__(**options)

    def openapi(self) -> Document:
        """Return the document, cached until the routes change. It can be called in any thread."""
        with self._making:
            document = super().openapi()
            if document is not self._completed:
                accept_keys = self.context is not None and self.context.callers.accept_keys
                flow = OAuthFlow(f"{EXAMPLE_ORIGIN}{AUTHORIZE}", f"{EXAMPLE_ORIGIN}{TOKEN_ENDPOINT}", self.scopes)
                complete(document, self.vocabularies, accept_keys=accept_keys, flow=flow)
                link_errors(document, self.error_pages)
                self._completed = document
            return document


def apps_of(root: FastAPI) -> Iterator[tuple[str, str, FastAPI]]:
    """Yield the root app and the mounted apps: each with its name and its path."""
    yield "root", "", root
    for route in root.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield route.name or "", route.path, route.app


def document_of_all(root: FastAPI) -> Document:
    """Return one document of the root app and the mounted apps."""
    own = root.openapi()
    merged = merge(
        [Part(name, mount, app.openapi()) for name, mount, app in apps_of(root)], {**own["info"], "description": _ALL}
    )
    return {**merged, "externalDocs": own["externalDocs"]}
