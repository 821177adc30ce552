"""Where a request comes from."""

from starlette.requests import HTTPConnection

from insula.audit import Origin
from insula.http.problems import request_id_of


def address_of(connection: HTTPConnection) -> str:
    """Return the caller's address, as trusted proxies tell it."""
    return connection.client.host if connection.client else ""


def origin_of(connection: HTTPConnection) -> Origin:
    """Return what the audit log keeps of a request."""
    return Origin(request_id_of(connection.scope), address_of(connection))
