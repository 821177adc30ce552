"""Describes the header fields about limits in each app's document."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

Document = dict[str, Any]  # an OpenAPI document has no fixed shape

_TEXT: Final = "string"
_FIELDS: Final[Mapping[str, Document]] = {
    "RateLimit-Policy": {
        "description": (
            "The limits that apply to the request (draft-ietf-httpapi-ratelimit-headers-11): `q` requests in any `w` "
            "seconds, by name. `requests` is the whole; `writes` and `exports` lie within it; `key` is the API key's "
            "own; `concurrent-exports` is how many may run at once."
        ),
        "schema": {"type": _TEXT, "examples": ['"requests";q=6000;w=60, "writes";q=3000;w=60']},
    },
    "RateLimit": {
        "description": (
            "Where they stand: `r` remain, and more than that is not to be had within `t` seconds. "
            "A refusal names those that refuse."
        ),
        "schema": {"type": _TEXT, "examples": ['"requests";r=5990;t=60, "writes";r=2999;t=60']},
    },
    "Retry-After": {
        "description": "Seconds until it is worth another try.",
        "schema": {"type": "integer", "minimum": 1, "examples": [17]},
    },
}
_TOLD: Final = ("RateLimit", "RateLimit-Policy")
_REFUSALS: Final = frozenset({"429", "503"})


def add_limit_fields(document: Document, operations: Iterable[Document]) -> None:
    """Describe the fields once, and refer to them in each response that has them."""
    document["components"]["headers"] = {**document["components"].get("headers", {}), **_FIELDS}
    for operation in operations:
        counted = bool(operation.get("security"))
        for status, response in operation.get("responses", {}).items():
            names = _TOLD if counted and (status.startswith("2") or status == "429") else ()
            if status in _REFUSALS:
                names = (*names, "Retry-After")
            for name in names:
                response.setdefault("headers", {})[name] = {"$ref": f"#/components/headers/{name}"}
