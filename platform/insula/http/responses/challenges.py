"""``WWW-Authenticate``: why credentials were refused (RFC 6750), and where a client gets a token (RFC 9728)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.types import Scope

from insula.core.errors import AppError, InsufficientScope, Unauthenticated
from insula.http.app_context import AppContext, context_if_any
from insula.http.state import is_bearer, state_of

HEADER: Final = "WWW-Authenticate"
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))


def challenge_of(scope: Scope, error: AppError) -> str | None:
    """Return the header of the answer to this request that contains ``error``; None for an error without one."""
    if not isinstance(error, Unauthenticated | InsufficientScope):
        return None
    context = context_if_any(scope["app"])
    metadata_url = None if context is None else context.metadata_url
    return challenge(error, metadata_url, sent=_are_sent(scope, context))


def challenge(error: Unauthenticated | InsufficientScope, metadata_url: str | None, *, sent: bool) -> str:
    """Return the header for ``error``. ``sent`` says whether the request had credentials.

    Without credentials there is no error code (RFC 6750 section 3.1).
    """
    if isinstance(error, Unauthenticated) and not error.of_request:
        return "Bearer"
    found = {} if metadata_url is None else {"resource_metadata": metadata_url}
    if isinstance(error, InsufficientScope):
        found |= {"error": "insufficient_scope", "scope": error.action}
    elif sent:
        found |= {"error": "invalid_token"}
    return _rendered(found)


def _are_sent(scope: Scope, context: AppContext | None) -> bool:
    """Return whether the request has a bearer token, or an API key for an app that accepts keys; valid or not."""
    head = state_of(scope).head
    if head is None:
        return False
    takes_keys = context is not None and context.callers.accept_keys
    return is_bearer(head.headers.get(b"authorization", b"")) or (takes_keys and b"x-api-key" in head.headers)


def _rendered(parameters: Mapping[str, str]) -> str:
    return f"Bearer {', '.join(f'{name}={_quoted(value)}' for name, value in parameters.items())}".rstrip()


def _quoted(value: str) -> str:
    """Return a quoted-string (RFC 9110 section 5.6.4): other characters than printable ASCII are percent-encoded."""
    printable = quote(value, safe=_PRINTABLE)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'
