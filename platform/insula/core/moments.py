"""Moments in requests, checked for what PostgreSQL and Python can hold in UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def checked(moment: datetime) -> datetime:
    """Return ``moment``. Raises ValueError when it has no zone, or lies outside of the years 1 to 9999 in UTC."""
    if moment.tzinfo is None:
        raise ValueError("needs a zone")
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 in UTC") from None
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(checked)]
"""A moment with its zone. Every schema of requests takes its moments from here."""
