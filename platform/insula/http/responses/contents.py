"""Contents that are rendered once and answered often: documents and pages that are the same for every caller."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from insula.core.preconditions import is_known


class Content(NamedTuple):
    """A rendered body with its media type and its ``ETag``."""

    body: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, text: str, media_type: str) -> "Content":
        """Return ``text`` as content. The ``ETag`` is a hash of it, so it is the same in every process."""
        body = text.encode()
        return cls(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return the content with these headers, or a 304 if the caller has it (RFC 9110 section 13.1.2)."""
        complete = {**headers, "ETag": self.etag}
        if is_known(", ".join(request.headers.getlist("if-none-match")), self.etag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=complete)
        return Response(self.body, media_type=self.media_type, headers=complete)
