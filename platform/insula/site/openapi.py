"""The OpenAPI document of an app: FastAPI's own, completed by ``insula.http.openapi``."""

from threading import Lock
from types import MappingProxyType
from typing import Any

from insula.http.openapi.complete import complete
from insula.http.openapi.vocabularies import Vocabularies
from insula.http.openapi.walk import Document
from insula.pages.site import AppWithPages


class DocumentedApp(AppWithPages):
    """A FastAPI app whose document includes the errors that any request can get."""

    vocabularies: Vocabularies = MappingProxyType({})

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
                complete(document, self.vocabularies, accept_keys=accept_keys)
                self._completed = document
            return document
