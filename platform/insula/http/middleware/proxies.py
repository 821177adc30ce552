"""What a proxy says of the client, believed only from the proxies that the settings name."""

import re
from typing import Final

from starlette.types import Scope

from insula.core.settings import HttpSettings
from insula.http.errors import InvalidForwarding
from insula.http.middleware.forwarded import Hops, RawHeaders, forwarded, x_forwarded
from insula.http.request.addresses import Address, normal_address, parse_address, parse_network, parse_node
from insula.http.state import DIRECT, UNDECLARED, Forwarding, UnreadableForwarding

_FORWARDED: Final = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-request-id",
    }
)
_READERS: Final = {"x-forwarded": x_forwarded, "forwarded": forwarded}
_NAMES_CLIENT: Final = {"x-forwarded": b"x-forwarded-for", "forwarded": b"forwarded"}
_SCHEMES: Final = {
    "http": {"http": "http", "https": "https"},
    "websocket": {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"},
}
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,128}")


class Proxies:
    """The networks whose forwarding headers and X-Request-ID are believed."""

    def __init__(self, settings: HttpSettings) -> None:
        self._networks = [parse_network(network) for network in settings.trusted_proxies]
        self._read = _READERS[settings.forwarding_headers]
        self._names_client = _NAMES_CLIENT[settings.forwarding_headers]

    def settle(self, scope: Scope) -> Forwarding:
        """Set the scope's client, scheme and Host from what trusted proxies say; return how the request came.

        The headers are taken out in any case, so that nothing further in can believe them. Where a
        trusted proxy's headers do not say who calls, the scope has no client, since the proxy's own
        address would be everybody's; the gate refuses the request.
        """
        client: tuple[str, int] | None = scope.get("client")
        if client is not None and ":" in client[0]:
            client = scope["client"] = (normal_address(client[0]), client[1])
        said = [(name, value) for name, value in scope["headers"] if name in _FORWARDED]
        if not said:
            return DIRECT
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _FORWARDED]
        peer = parse_address(client[0]) if client is not None else None
        if peer is None or not self._trusts(peer):
            return UNDECLARED
        request_id = _request_id(said)
        try:
            self._believe(scope, said)
        except InvalidForwarding as error:
            scope["client"] = None
            return UnreadableForwarding(request_id, error=error)
        return Forwarding(request_id)

    def _believe(self, scope: Scope, said: RawHeaders) -> None:
        hops = self._read(said)
        depth = 0
        if any(name == self._names_client for name, _ in said):
            address, depth = self._client(hops)
            if address is not None:
                scope["client"] = (str(address), 0)
        if proto := hops.proto(depth):
            scheme = _SCHEMES[scope["type"]].get(proto.lower())
            if scheme is None:
                raise InvalidForwarding("The proxy names a scheme that is neither http nor https")
            scope["scheme"] = scheme
        if host := hops.host(depth):
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", host.encode("latin-1")), *others]

    def _client(self, hops: Hops) -> tuple[Address | None, int]:
        """Return the nearest hop that is no proxy of ours, and its place; what stands left of it is hearsay.

        A proxy that does not say who asked it ends the list: its own address is the last one that is known,
        None for the peer's.
        """
        known: Address | None = None
        for depth, node in enumerate(reversed(hops.nodes)):
            if node is None:
                return known, depth
            known = parse_node(node)
            if known is None:
                break
            if not self._trusts(known) or depth == len(hops.nodes) - 1:
                return known, depth
        raise InvalidForwarding

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _request_id(said: RawHeaders) -> str:
    last = next((value.decode("latin-1") for name, value in reversed(said) if name == b"x-request-id"), "")
    request_id = last.rpartition(",")[2].strip()
    return request_id if _REQUEST_ID.fullmatch(request_id) else ""
