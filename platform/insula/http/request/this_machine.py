"""Whether a request comes from this machine."""

from starlette.requests import HTTPConnection

from insula.http.request.addresses import parse_address
from insula.http.state import DIRECT, state_of


def is_from_this_machine(connection: HTTPConnection) -> bool:
    """Return whether the peer has a loopback address, and the request has no header of a proxy.

    A proxy on this machine has a loopback address too, even if it is trusted and does not name its client.
    """
    if state_of(connection.scope).forwarding is not DIRECT or connection.client is None:
        return False
    address = parse_address(connection.client.host)
    return address is not None and address.is_loopback
