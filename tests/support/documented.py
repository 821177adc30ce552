"""Checks for every response in the suite that its error is in the document of its operation."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import Message, Scope, Send

from insula.http.middleware.edge import route_of
from insula.http.responses.problems import MEDIA_TYPE
from insula.site.openapi import apps_of
from tests.support.documents import operations_of

_FIRST_ERROR: Final = 400
Answers = Mapping[str, Any]  # an OpenAPI document has no fixed shape


class Watched:
    """Watches one response; afterwards ``fault`` returns whether the document lists it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 0
        self._problem = False
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Pass ``message`` on."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._problem = (b"content-type", MEDIA_TYPE.encode()) in list(message["headers"])
        elif message["type"] == "http.response.body" and self._problem:
            self._body += message.get("body", b"")
        await self._send(message)

    def fault(self, documents: Mapping[str, Answers], scope: Scope) -> str | None:
        """Return the document's fault; None for a listed response, and outside of operations."""
        name = f"{scope['method']} {route_of(scope)}"
        answers = documents.get(name)
        if answers is None or self._status < _FIRST_ERROR or not self._problem:
            return None
        code = json.loads(self._body)["code"]
        named = answers.get(str(self._status), {}).get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
        return None if code in named else f"{name} answers {self._status} {code}, which its document does not name"


def documents_of(root: FastAPI) -> dict[str, Answers]:
    """Return the documented responses of each operation of the four apps, by method and full path."""
    return {
        f"{method.upper()} {mount}{path}": operation["responses"]
        for _, mount, app in apps_of(root)
        for path, operations in operations_of(app.openapi()).items()
        for method, operation in operations.items()
    }
