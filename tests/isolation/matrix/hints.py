"""Tenant hints: the tenant that a request names by host or header, besides its credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tests.isolation.matrix.wire import Headers
from tests.isolation.matrix.world import World


@dataclass(frozen=True)
class Hint:
    """``names`` are the named tenants; None: a header occurs twice with different tenants.

    ``headers`` are patterns, filled in with the tenants ``a`` and ``b`` and the ``base`` domain.
    """

    name: str
    names: frozenset[str] | None
    headers: Headers = ()
    moved: bool = False
    """Whether the host is a former one, which redirects."""

    def of(self, world: World, base: str) -> Headers:
        """Return the headers that name these tenants of ``world``."""
        return tuple((header, pattern.format(a=world.a, b=world.b, base=base)) for header, pattern in self.headers)


_A, _B, _NOWHERE = frozenset({"a"}), frozenset({"b"}), frozenset({"nowhere"})
NONE: Final = Hint("no hint", frozenset())
_ALL: Final = (
    NONE,
    Hint("host of B", _B, (("host", "{b.slug}.{base}"),)),
    Hint("domain of B", _B, (("host", "{b.host}"),)),
    Hint("X-Tenant, slug of B", _B, (("x-tenant", "{b.slug}"),)),
    Hint("X-Tenant, id of B", _B, (("x-tenant", "{b.id}"),)),
    Hint("host of A", _A, (("host", "{a.slug}.{base}"),)),
    Hint("domain of A", _A, (("host", "{a.host}"),)),
    Hint("X-Tenant, slug of A", _A, (("x-tenant", "{a.slug}"),)),
    Hint("X-Tenant, id of A", _A, (("x-tenant", "{a.id}"),)),
    Hint("X-Tenant, nobody's", _NOWHERE, (("x-tenant", "nobody-{b.token}"),)),
    Hint("host of A, X-Tenant of B", _A | _B, (("host", "{a.slug}.{base}"), ("x-tenant", "{b.slug}"))),
    Hint("host of B, X-Tenant of A", _A | _B, (("host", "{b.slug}.{base}"), ("x-tenant", "{a.id}"))),
    Hint("X-Tenant twice", None, (("x-tenant", "{a.slug}"), ("x-tenant", "{b.slug}"))),
    Hint("Host twice", None, (("host", "{a.slug}.{base}"), ("host", "{b.slug}.{base}"))),
    Hint("forged X-Forwarded-Host of B", frozenset(), (("x-forwarded-host", "{b.slug}.{base}"),)),
    Hint("former host of B", _B, (("host", "{b.former_slug}.{base}"),), moved=True),
)
HINTS: Final[Mapping[str, Hint]] = MappingProxyType({hint.name: hint for hint in _ALL})

OF_B: Final = tuple(hint for hint in _ALL if hint.names == _B and not hint.moved)
"""Hints that agree with B's credentials: the rightful caller succeeds with each."""
