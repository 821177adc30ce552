"""Time zones and languages that a tenant can choose."""

import re
from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

_LOCALE: Final = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?")
_NOT_ZONES: Final = frozenset({"Factory", "localtime"})  # a placeholder, and the machine's own zone


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the IANA time zones that this machine knows. They are read from its files once."""
    return frozenset(available_timezones() - _NOT_ZONES)


def _known_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("This is not the name of an IANA time zone")
    return name


def _canonical(tag: str) -> str:
    parts = _LOCALE.fullmatch(tag)
    if parts is None:
        raise ValueError("This is not a language tag such as de, de-AT or zh-Hant-TW")
    language, script, region = parts.groups()
    return "-".join(filter(None, (language.lower(), script and script.title(), region and region.upper())))


TimeZone = Annotated[
    str,
    Field(max_length=64, description="An IANA time zone.", examples=["Europe/Berlin"]),
    AfterValidator(_known_zone),
]
Locale = Annotated[
    str,
    Field(max_length=11, description="A BCP 47 tag: language, script, region.", examples=["de-AT"]),
    AfterValidator(_canonical),
]
