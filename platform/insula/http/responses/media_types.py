"""Chooses between an HTML page and JSON by the ``Accept`` header (RFC 9110 section 12.5.1)."""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

_WEIGHT: Final = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_OPENING: Final = frozenset({"GET", "HEAD"})


def prefers_json(connection: HTTPConnection) -> bool:
    """Return whether ``Accept`` names a JSON media type, and HTML with no higher weight. ``*/*`` names neither."""
    html, json = _weights(connection.headers)
    return json > 0 and json >= html


def is_for_a_browser(scope: Scope) -> bool:
    """Return whether a browser would show the answer to a person.

    ``Accept`` names HTML, and JSON with a lower weight or not at all; the request opens a page; and it carries no
    credentials, which browsers do not send when they open one. ``*/*`` names no HTML.
    """
    if not any(name == b"accept" and b"html" in value.lower() for name, value in scope["headers"]):
        return False  # most programs: no more than this is spent on them
    headers = Headers(scope=scope)
    opens = scope["method"] in _OPENING or headers.get("sec-fetch-mode") == "navigate"  # forms are sent by POST
    if not opens or "authorization" in headers or "x-api-key" in headers:
        return False
    html, json = _weights(headers)
    return html > json


def _weights(headers: Headers) -> tuple[float, float]:
    """Return the weights of HTML and of JSON; 0 if ``Accept`` does not name it."""
    html = json = 0.0
    for item in ",".join(headers.getlist("accept")).lower().split(","):
        media_type, *parameters = (part.strip() for part in item.split(";"))
        weight = next((float(found[1]) for part in parameters if (found := _WEIGHT.fullmatch(part))), 1.0)
        if media_type in _HTML:
            html = max(html, weight)
        elif media_type == "application/json" or media_type.endswith("+json"):
            json = max(json, weight)
    return html, json
