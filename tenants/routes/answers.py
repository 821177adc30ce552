"""Header fields that several answers share."""

from typing import Protocol
from uuid import UUID

from fastapi import Request, Response

from insula.http.etags import etag


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
    """Add the ``ETag`` and ``Location`` of a row made by a POST to its collection."""
    tagged(response, row)
    response.headers["location"] = f"{request.url.path}/{row.id}"
