"""Which content codings the caller takes: ``Accept-Encoding`` (RFC 9110 section 12.5.3)."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from starlette.types import Scope

_LONGEST: Final = 1024
_CODING: Final = re.compile(
    r"\s*(?P<name>[!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q=(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)


class Accepted(NamedTuple):
    """What an answer may be: compressed, and as it is."""

    gzip: bool
    plain: bool


def accepted_of(scope: Scope) -> Accepted:
    """Return what the request's ``Accept-Encoding`` takes, over all of its lines."""
    lines = [value for name, value in scope["headers"] if name == b"accept-encoding"]
    field = lines[0] if len(lines) == 1 else b",".join(lines)
    return _accepted(field) if len(field) <= _LONGEST else Accepted(gzip=False, plain=True)


@lru_cache(maxsize=256)
def _accepted(field: bytes) -> Accepted:
    weights: dict[str, float] = {}
    for element in field.decode("latin-1").lower().split(","):
        if found := _CODING.fullmatch(element):
            weights[found["name"].removeprefix("x-")] = float(found["weight"] or 1)
    others = weights.get("*")
    gzip = weights.get("gzip", others or 0.0)
    plain = weights.get("identity", others)  # None: taken, but nothing is preferred to it
    return Accepted(gzip=gzip > 0 and gzip >= (plain or 0.0), plain=plain is None or plain > 0)
