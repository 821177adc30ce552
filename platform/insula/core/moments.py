"""Date-times in requests, limited to what PostgreSQL and Python can hold in UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def checked(moment: datetime) -> datetime:
    """Return ``moment``. Raises ValueError if it has no time zone, or lies outside the years 1 to 9999 in UTC."""
    if moment.tzinfo is None:
        raise ValueError("needs a time zone")
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 in UTC") from None
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(checked)]
"""A date-time with its time zone. Every request schema uses this type."""
