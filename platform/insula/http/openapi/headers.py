"""Headers: the fields of limits in the responses that have them, and each header described once."""

from collections.abc import Mapping
from typing import Final

from insula.http.openapi.walk import Document, operations, reference

_TEXT: Final = "string"
_LIMITS: Final[Mapping[str, Document]] = {
    "RateLimit-Policy": {
        "description": (
            "The limits that apply to the request (draft-ietf-httpapi-ratelimit-headers-11), by name: at most `q` "
            "requests in any `w` seconds. `requests` limits all requests, `writes` and `exports` only some of them, "
            "`key` those of the API key; `concurrent-exports` is the number of exports that may run at once."
        ),
        "schema": {"type": _TEXT, "examples": ['"requests";q=6000;w=60, "writes";q=3000;w=60']},
    },
    "RateLimit": {
        "description": (
            "The state of these limits: `r` requests remain, and no more become available within `t` seconds. "
            "An answer with status 429 lists only the limits that refused the request."
        ),
        "schema": {"type": _TEXT, "examples": ['"requests";r=5990;t=60, "writes";r=2999;t=60']},
    },
    "Retry-After": {
        "description": "Seconds to wait before another try.",
        "schema": {"type": "integer", "minimum": 1, "examples": [17]},
    },
}
_COUNTED: Final = ("RateLimit", "RateLimit-Policy")
_REFUSALS: Final = frozenset({"429", "503"})


def add_limit_headers(document: Document) -> None:
    """Add the fields of limits to each response that has them."""
    for _, operation in operations(document):
        counted = bool(operation.get("security"))
        for status, response in operation.get("responses", {}).items():
            names = _COUNTED if counted and (status.startswith("2") or status == "429") else ()
            if status in _REFUSALS:
                names = (*names, "Retry-After")
            for name in names:
                response.setdefault("headers", {})[name] = _LIMITS[name]


def share_headers(document: Document) -> None:
    """Replace each header of a response by a reference; of two that share a name, only the first one."""
    known: dict[str, Document] = document["components"].setdefault("headers", {})
    for _, operation in operations(document):
        for response in operation["responses"].values():
            headers = response.get("headers", {})
            for name, header in headers.items():
                if "$ref" not in header and known.setdefault(name, header) == header:
                    headers[name] = reference("headers", name)
