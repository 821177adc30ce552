"""Applies forwarding headers, if they come from a proxy that the settings trust."""

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
    """The networks of the trusted proxies, from which forwarding headers and X-Request-ID are accepted."""

    def __init__(self, settings: HttpSettings) -> None:
        self._networks = [parse_network(network) for network in settings.trusted_proxies]
        self._read = _READERS[settings.forwarding_headers]
        self._names_client = _NAMES_CLIENT[settings.forwarding_headers]

    def resolve(self, scope: Scope) -> Forwarding:
        """Set the scope's client, scheme and Host from the headers of trusted proxies; return how the request came.

        The headers are always removed, so that no later code can trust them. If a trusted proxy's headers do not
        name the client, the scope gets no client, since all requests would share the proxy's own address;
        ``RequestChecks`` refuses the request.
        """
        client: tuple[str, int] | None = scope.get("client")
        if client is not None and ":" in client[0]:
            client = scope["client"] = (normal_address(client[0]), client[1])
        headers = [(name, value) for name, value in scope["headers"] if name in _FORWARDED]
        if not headers:
            return DIRECT
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _FORWARDED]
        peer = parse_address(client[0]) if client is not None else None
        if peer is None or not self._trusts(peer):
            return UNDECLARED
        request_id = _request_id(headers)
        try:
            self._apply(scope, headers)
        except InvalidForwarding as error:
            scope["client"] = None
            return UnreadableForwarding(request_id, error=error)
        return Forwarding(request_id)

    def _apply(self, scope: Scope, headers: RawHeaders) -> None:
        hops = self._read(headers)
        depth = 0
        if any(name == self._names_client for name, _ in headers):
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
        """Return the nearest hop that is not a trusted proxy, and its depth. Hops before it may be forged.

        A proxy that does not name its sender ends the list. The result is then that proxy's own address, or
        None if the proxy is the peer.
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


def _request_id(headers: RawHeaders) -> str:
    last = next((value.decode("latin-1") for name, value in reversed(headers) if name == b"x-request-id"), "")
    request_id = last.rpartition(",")[2].strip()
    return request_id if _REQUEST_ID.fullmatch(request_id) else ""
