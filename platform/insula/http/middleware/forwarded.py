"""The hops of a request as its proxies wrote them: X-Forwarded-* or RFC 7239's Forwarded."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from insula.http.errors import InvalidForwarding
from insula.http.request.addresses import unquote

RawHeaders = Sequence[tuple[bytes, bytes]]

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VALUE: Final = r'"(?:[^"\\]|\\.)*"|[^\s",;]+'
_PAIR: Final = re.compile(rf"[ \t]*(?:(?P<name>{_NAME})=(?P<value>{_VALUE})[ \t]*)?(?P<end>[;,]|$)")


@dataclass(frozen=True, slots=True)
class Hops:
    """The sender of the request to each proxy, with the scheme and host; the nearest proxy's entries are the last.

    A node is None if the proxy does not name the sender: ``for`` is optional in RFC 7239.
    """

    nodes: Sequence[str | None]
    protos: Sequence[str]
    hosts: Sequence[str]

    def proto(self, depth: int) -> str:
        """Return the scheme that the client at ``depth`` from the right used; empty if unknown."""
        return _at(self.protos, depth)

    def host(self, depth: int) -> str:
        """Return the host that the client at ``depth`` from the right requested; empty if unknown."""
        return _at(self.hosts, depth)


def x_forwarded(headers: RawHeaders) -> Hops:
    """Return the hops of X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host, over all lines of each header."""
    return Hops(
        _listed(headers, b"x-forwarded-for"),
        _listed(headers, b"x-forwarded-proto"),
        _listed(headers, b"x-forwarded-host"),
    )


def forwarded(headers: RawHeaders) -> Hops:
    """Return the hops of Forwarded, over all lines of the header. Raises InvalidForwarding."""
    elements = [element for line in _lines(headers, b"forwarded") for element in _elements(line)]
    return Hops(
        [element.get("for") for element in elements],
        [element.get("proto", "") for element in elements],
        [element.get("host", "") for element in elements],
    )


def _elements(line: str) -> list[dict[str, str]]:
    # Strict: after a quote that the client did not close, a proxy's element would be read as part of the client's.
    elements: list[dict[str, str]] = []
    element: dict[str, str] = {}
    position = 0
    while position < len(line):
        pair = _PAIR.match(line, position)
        if pair is None or (pair["name"] or "").lower() in element:
            raise InvalidForwarding
        if pair["name"]:
            element[pair["name"].lower()] = unquote(pair["value"])
        position = pair.end()
        if element and (pair["end"] != ";" or position == len(line)):
            elements.append(element)
            element = {}
    return elements


def _listed(headers: RawHeaders, wanted: bytes) -> list[str]:
    return [part.strip(" \t") for line in _lines(headers, wanted) for part in line.split(",") if part.strip(" \t")]


def _lines(headers: RawHeaders, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]


def _at(values: Sequence[str], depth: int) -> str:
    """Return the value for the hop at ``depth``, or else the farthest one: often only one proxy sends it, for all."""
    return values[-1 - min(depth, len(values) - 1)] if values else ""
