"""Headers: the fields of limits in the responses that have them, and each header described once."""

from collections.abc import Mapping
from typing import Final

from insula.core.errors import InsufficientScope
from insula.core.settings import EXAMPLE_ORIGIN
from insula.http.app_context import RESOURCE_METADATA
from insula.http.openapi.walk import Document, operations, reference
from insula.http.responses.challenges import HEADER
from insula.http.responses.problems import MEDIA_TYPE

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
_CHALLENGE: Final[Document] = {
    "description": (
        "Why the credentials are refused (RFC 6750): `error` is `invalid_token`, or `insufficient_scope` with the "
        "`scope` that the token lacks; there is none if the request has no credentials. `resource_metadata` is the URL "
        "of the app's metadata, which names the authorization server (RFC 9728)."
    ),
    "schema": {
        "type": _TEXT,
        "examples": [f'Bearer resource_metadata="{EXAMPLE_ORIGIN}{RESOURCE_METADATA}/example", error="invalid_token"'],
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


def add_challenges(document: Document) -> None:
    """Add ``WWW-Authenticate`` to each problem that has it."""
    for _, operation in operations(document):
        for status, response in operation.get("responses", {}).items():
            codes = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
            if (status == "401" and codes) or InsufficientScope.code in codes:
                response.setdefault("headers", {})[HEADER] = _CHALLENGE


def share_headers(document: Document) -> None:
    """Replace each header of a response by a reference; of two that share a name, only the first one."""
    known: dict[str, Document] = document["components"].setdefault("headers", {})
    for _, operation in operations(document):
        for response in operation["responses"].values():
            headers = response.get("headers", {})
            for name, header in headers.items():
                if "$ref" not in header and known.setdefault(name, header) == header:
                    headers[name] = reference("headers", name)
