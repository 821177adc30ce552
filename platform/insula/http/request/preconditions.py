"""``If-Match`` as a parameter of a route."""

from typing import Annotated

from fastapi import Depends, Header

from insula.core.preconditions import Precondition, precondition


async def if_match(
    if_match: Annotated[
        str | None,
        Header(description="Entity tags as sent in `ETag`, or `*`. The update is refused (412) when none matches."),
    ] = None,
) -> Precondition:
    """Parse ``If-Match``. Raises BadRequest unless it is a list of entity tags of versions, or ``*``."""
    return precondition(if_match)


IfMatchDep = Annotated[Precondition, Depends(if_match)]
