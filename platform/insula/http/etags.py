"""ETags from row versions, and ``If-Match`` (RFC 9110 section 13.1.1) on updates."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from insula.errors import BadRequest, PreconditionFailed

_ENTITY_TAGS = re.compile(r'\s*"(\d{1,18})"\s*(?:,\s*"(\d{1,18})"\s*)*')
_ENTITY_TAG = re.compile(r'"(\d{1,18})"')


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


async def if_match(
    if_match: Annotated[
        str | None,
        Header(description="Entity tags as sent in `ETag`, or `*`. The update is refused (412) when none matches."),
    ] = None,
) -> Precondition:
    """Parse ``If-Match``. Raises BadRequest for anything but strong tags or ``*``."""
    if if_match is None or if_match.strip() == "*":
        return Precondition(None)
    if not _ENTITY_TAGS.fullmatch(if_match):
        raise BadRequest("If-Match must hold entity tags as sent in ETag")
    return Precondition(frozenset(int(tag) for tag in _ENTITY_TAG.findall(if_match)))


IfMatchDep = Annotated[Precondition, Depends(if_match)]
