"""ETags, and the ``If-Match`` and ``If-None-Match`` headers in which callers return them (RFC 9110 section 13.1).

A compressing proxy changes the tags that pass through it: it marks them as weak (``W/"1"``), or
appends the coding's name (``"1-gzip"``, ``"1;gzip"``, ``"1--gzip"``, ``"1"-gzip``). The caller still
saw that version of the row, so only the version is compared.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from insula.core.errors import BadRequest, PreconditionFailed

_CODING: Final = r"(?:(?:--|[-;:+.])(?:x-)?(?:gzip|br|brotli|zstd|deflate|df|compress|identity))?"
_ENTITY_TAG: Final = re.compile(rf'[ \t]*(?:W/)?"([\x21\x23-\x7e]*?){_CODING}"{_CODING}[ \t]*(?:,|$)')
_EMPTY: Final = re.compile(r"[ \t]*(?:,|$)")
_VERSION: Final = re.compile(r"\d{1,18}")


def etag(version: int) -> str:
    """Return the strong entity tag of a row at ``version``."""
    return f'"{version}"'


@dataclass(frozen=True, slots=True)
class Precondition:
    """The versions that the caller accepts; None accepts any."""

    versions: frozenset[int] | None

    def check(self, version: int) -> None:
        """Raise PreconditionFailed unless the row's ``version`` is one that the caller named."""
        if self.versions is not None and version not in self.versions:
            raise PreconditionFailed


def precondition(if_match: str | None) -> Precondition:
    """Parse ``If-Match``. Raises BadRequest for anything but entity tags of versions or ``*``."""
    if if_match is None or if_match.strip() == "*":
        return Precondition(None)
    tags = _opaque_tags(if_match)
    if not tags or not all(_VERSION.fullmatch(tag) for tag in tags):
        raise BadRequest("If-Match must hold entity tags as sent in ETag")
    return Precondition(frozenset(map(int, tags)))


def is_known(if_none_match: str, tag: str) -> bool:
    """Return whether ``If-None-Match`` names ``tag``, by weak comparison."""
    return if_none_match.strip() == "*" or tag.strip('"') in (_opaque_tags(if_none_match) or ())


def _opaque_tags(field: str) -> list[str] | None:
    """Return the text between each tag's quotes, without a proxy's marks; None if it is not a list of tags."""
    try:
        return list(_parsed(field))
    except ValueError:
        return None


def _parsed(field: str) -> Iterator[str]:
    position = 0
    while position < len(field):
        tag = _ENTITY_TAG.match(field, position)
        step = tag or _EMPTY.match(field, position)
        if step is None:
            raise ValueError("no entity tag")
        if tag is not None:
            yield tag[1]
        position = step.end()
