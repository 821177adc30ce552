"""What a proxy says of the client, believed only from the proxies that the settings name."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

_Address = IPv4Address | IPv6Address
_FORWARDED = frozenset(
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
_SCHEMES = {
    ("http", "http"): "http",
    ("http", "https"): "https",
    ("websocket", "http"): "ws",
    ("websocket", "https"): "wss",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


class Proxies:
    """The networks whose X-Forwarded-* and X-Request-ID are believed."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(network, strict=False) for network in networks]

    def settle(self, scope: Scope) -> str | None:
        """Set the scope's client, scheme and Host from what trusted proxies say; return their request id.

        The headers are taken out in any case, so that nothing further in can believe them.
        """
        said = [(name, value) for name, value in scope["headers"] if name in _FORWARDED]
        if not said:
            return None
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _FORWARDED]
        peer = _address(scope["client"][0]) if scope.get("client") else None
        if peer is None or not self._trusts(peer):
            scope["insula"]["hearsay"] = True
            return None
        values = {name: [part.strip() for part in _joined(said, name).split(",")] for name, _ in said}
        self._settle_client(scope, values.get(b"x-forwarded-for", []))
        if scheme := _SCHEMES.get((scope["type"], values.get(b"x-forwarded-proto", [""])[-1])):
            scope["scheme"] = scheme
        if host := values.get(b"x-forwarded-host", [""])[-1]:
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", host.encode("latin-1")), *others]
        request_id = values.get(b"x-request-id", [""])[-1]
        return request_id if _REQUEST_ID.fullmatch(request_id) else None

    def _settle_client(self, scope: Scope, hops: Sequence[str]) -> None:
        # From the right: the nearest hop that is not one of ours is the client; what stands left of it is hearsay.
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                return
            scope["client"] = (str(address), 0)
            if not self._trusts(address):
                return

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def _joined(said: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in said if name == wanted)


def _address(text: str) -> _Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
