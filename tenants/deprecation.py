"""Headers of a deprecated route: ``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and a link to its successor."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from fastapi import Response

from insula.http.responses.answers import TAGGED
from insula.http.responses.problems import Responses

_HEADERS: Final = {
    "Deprecation": {"description": "Since when, as a Unix time.", "schema": {"examples": ["@1795392000"]}},
    "Sunset": {"description": "When the route is removed.", "schema": {"examples": ["Tue, 23 Nov 2027 00:00:00 GMT"]}},
    "Link": {"description": "The replacement.", "schema": {"examples": ['</api/v2/x>; rel="successor-version"']}},
}
DEPRECATED: Final[Responses] = {200: {"headers": TAGGED[200]["headers"] | _HEADERS}}


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when a route is deprecated, when it is removed, and the path that replaces it, relative to the app."""

    since: datetime
    sunset: datetime
    successor: str

    def stamp(self, response: Response, root_path: str) -> None:
        """Add the header fields to ``response``."""
        response.headers["deprecation"] = f"@{int(self.since.timestamp())}"
        response.headers["sunset"] = format_datetime(self.sunset, usegmt=True)
        response.headers["link"] = f'<{root_path}{self.successor}>; rel="successor-version"'
