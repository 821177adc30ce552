"""Tenant selectors: the tenant that a request names by host or header, besides its credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tests.isolation.matrix.wire import Headers
from tests.isolation.matrix.world import World


@dataclass(frozen=True)
class Selector:
    """``names`` are the named tenants; None: a header occurs twice with different tenants.

    ``headers`` are patterns, filled in with the tenants ``a`` and ``b`` and the ``base`` domain.
    """

    name: str
    names: frozenset[str] | None
    headers: Headers = ()
    moved: bool = False
    """Whether the host is a former one, which redirects."""

    @property
    def host_of_b(self) -> bool:
        """Whether the request is sent to a host name of B."""
        return any(header == "host" and pattern.startswith("{b.") for header, pattern in self.headers)

    def of(self, world: World, base: str) -> Headers:
        """Return the headers that name these tenants of ``world``."""
        return tuple((header, pattern.format(a=world.a, b=world.b, base=base)) for header, pattern in self.headers)


_A, _B, _NOWHERE = frozenset({"a"}), frozenset({"b"}), frozenset({"nowhere"})
NONE: Final = Selector("no selector", frozenset())
_ALL: Final = (
    NONE,
    Selector("host of B", _B, (("host", "{b.slug}.{base}"),)),
    Selector("domain of B", _B, (("host", "{b.host}"),)),
    Selector("X-Tenant, slug of B", _B, (("x-tenant", "{b.slug}"),)),
    Selector("X-Tenant, id of B", _B, (("x-tenant", "{b.id}"),)),
    Selector("host of A", _A, (("host", "{a.slug}.{base}"),)),
    Selector("domain of A", _A, (("host", "{a.host}"),)),
    Selector("X-Tenant, slug of A", _A, (("x-tenant", "{a.slug}"),)),
    Selector("X-Tenant, id of A", _A, (("x-tenant", "{a.id}"),)),
    Selector("X-Tenant, nobody's", _NOWHERE, (("x-tenant", "nobody-{b.token}"),)),
    Selector("host of A, X-Tenant of B", _A | _B, (("host", "{a.slug}.{base}"), ("x-tenant", "{b.slug}"))),
    Selector("host of B, X-Tenant of A", _A | _B, (("host", "{b.slug}.{base}"), ("x-tenant", "{a.id}"))),
    Selector("X-Tenant twice", None, (("x-tenant", "{a.slug}"), ("x-tenant", "{b.slug}"))),
    Selector("Host twice", None, (("host", "{a.slug}.{base}"), ("host", "{b.slug}.{base}"))),
    Selector("forged X-Forwarded-Host of B", frozenset(), (("x-forwarded-host", "{b.slug}.{base}"),)),
    Selector("former host of B", _B, (("host", "{b.former_slug}.{base}"),), moved=True),
)
SELECTORS: Final[Mapping[str, Selector]] = MappingProxyType({selector.name: selector for selector in _ALL})

OF_B: Final = tuple(selector for selector in _ALL if selector.names == _B and not selector.moved)
"""Hints that agree with B's credentials: the rightful caller succeeds with each."""
