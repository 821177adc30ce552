"""Headers that several routes answer with, and their descriptions in the OpenAPI document."""

from typing import Final, Protocol
from uuid import UUID

from fastapi import Request, Response

from insula.core.preconditions import etag
from insula.http.responses.problems import Responses

_ETAG: Final = {"description": "The row's version, for `If-Match`.", "schema": {"type": "string", "examples": ['"1"']}}
_LOCATION: Final = {"description": "The new resource's path.", "schema": {"type": "string", "format": "uri-reference"}}

TAGGED: Final[Responses] = {200: {"headers": {"ETag": _ETAG}}}
LOCATED: Final[Responses] = {201: {"headers": {"Location": _LOCATION}}}
CREATED: Final[Responses] = {201: {"headers": {"ETag": _ETAG, "Location": _LOCATION}}}


class Versioned(Protocol):
    """A row with a version."""

    version: int


class Identified(Versioned, Protocol):
    """A row with an id and a version."""

    id: UUID


def tagged(response: Response, row: Versioned) -> None:
    """Add the row's ``ETag``."""
    response.headers["etag"] = etag(row.version)


def created(request: Request, response: Response, row: Identified) -> None:
    """Add the ``ETag`` and ``Location`` of a row that a POST to its collection created."""
    tagged(response, row)
    response.headers["location"] = f"{request.url.path}/{row.id}"
