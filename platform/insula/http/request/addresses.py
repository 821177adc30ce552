"""Parses addresses of callers into one normal form, which is compared, counted, logged and stored.

An IPv4 address mapped into IPv6 becomes the IPv4 address. An IPv6 scope id (``fe80::1%eth0``) is dropped: it names a
network interface of this machine, not another caller.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST: Final = 64
_MAPPED_BITS: Final = 96

# RFC 7239 section 6 and what proxies write besides: IPv4, IPv4:port, [IPv6], [IPv6]:port, IPv6.
_NODE: Final = re.compile(r"(?:\[(?P<bracketed>[^\]]{2,64})\]|(?P<dotted>[0-9.]{7,15}))(?::(?:\d{1,5}|_[\w.-]{1,64}))?")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")


def parse_address(text: str) -> Address | None:
    """Return the address that ``text`` is, or None."""
    return _parsed(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def parse_network(text: str) -> Network:
    """Return the network of addresses that `parse_address` returns. Raises ValueError."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def normal_address(text: str) -> str:
    """Return the address ``text`` in its normal form, or ``text`` itself where it is no address."""
    if ":" not in text:
        return text
    address = parse_address(text)
    return text if address is None else str(address)


def parse_node(text: str) -> Address | None:
    """Return the address of a node that a proxy names, with or without port, brackets and quotes.

    None if it contains no address: ``unknown``, an obfuscated ``_name``, or an invalid node.
    """
    text = unquote(text.strip(" \t"))
    if found := _NODE.fullmatch(text):
        return parse_address(found["bracketed"] or found["dotted"])
    return parse_address(text)


def unquote(text: str) -> str:
    """Return the content of a quoted string, or ``text`` itself if it is not quoted."""
    found = _QUOTED.fullmatch(text)
    return text if found is None else _ESCAPE.sub(r"\1", found[1])
