"""Chooses between an HTML page and JSON by the ``Accept`` header (RFC 9110 section 12.5.1)."""

import re
from typing import Final

from starlette.requests import HTTPConnection

_WEIGHT: Final = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})


def prefers_json(connection: HTTPConnection) -> bool:
    """Return whether ``Accept`` names a JSON media type, and HTML with no higher weight. ``*/*`` names neither."""
    html = json = 0.0
    for item in ",".join(connection.headers.getlist("accept")).lower().split(","):
        media_type, *parameters = (part.strip() for part in item.split(";"))
        weight = next((float(found[1]) for part in parameters if (found := _WEIGHT.fullmatch(part))), 1.0)
        if media_type in _HTML:
            html = max(html, weight)
        elif media_type == "application/json" or media_type.endswith("+json"):
            json = max(json, weight)
    return json > 0 and json >= html
