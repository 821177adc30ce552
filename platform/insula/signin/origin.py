"""The origin of a request."""

from starlette.requests import HTTPConnection

from insula.audit import Origin
from insula.http.responses.problems import request_id_of
from insula.http.routing.guards import address_of

__all__ = ["address_of", "origin_of"]


def origin_of(connection: HTTPConnection) -> Origin:
    """Return the origin that the audit log stores with a request."""
    return Origin(request_id_of(connection.scope), address_of(connection))
