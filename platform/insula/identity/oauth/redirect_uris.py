"""Redirect URIs of clients: their form when a client is registered, and their comparison at the authorize step.

A URI is ``https``, or ``http`` to the user's own device (RFC 8252). It has no fragment, no user name and no wildcard.
A presented URI must equal a registered one byte for byte; only the port of a URI to the user's device may differ.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final
from urllib.parse import urlencode

from pydantic import Field

MOST_URIS: Final = 20
LONGEST_URI: Final = 1_000

_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DEVICE: Final = r"(?:127\.0\.0\.1|\[::1\]|localhost)"
_PORT: Final = "(?::[1-9][0-9]{0,4})?"
_PART: Final = r"(?:[A-Za-z0-9._~!$&()+,;=:@/-]|%[0-9A-Fa-f]{2})*"  # neither quotes nor a star
PATTERN: Final = (
    rf"^(?:https://{_LABEL}(?:\.{_LABEL})*|http://{_DEVICE}){_PORT}/{_PART}"
    r"(?:\?(?:[A-Za-z0-9._~!$&()+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$"
)
_ON_DEVICE: Final = re.compile(rf"(http://{_DEVICE})(?::[0-9]{{1,5}})?(/.*)", re.DOTALL)

RedirectUri = Annotated[
    str,
    Field(
        max_length=LONGEST_URI,
        pattern=PATTERN,
        description="`https`, or `http` to `127.0.0.1`, `[::1]` or `localhost`, where the port may differ. "
        "No fragment, no user name, no wildcard.",
    ),
]

PostLogoutRedirectUris = Annotated[
    Sequence[RedirectUri],
    Field(
        max_length=MOST_URIS,
        description="Where users may come back to after a logout, compared byte for byte. "
        "Only a client with `authorization_code` has some.",
    ),
]


def is_registered(presented: str, registered: Iterable[str]) -> bool:
    """Return whether ``presented`` is one of a client's ``registered`` redirect URIs."""
    wanted = _without_port(presented)
    return any(presented == uri or (wanted is not None and wanted == _without_port(uri)) for uri in registered)


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """Return a registered URI with further parameters in its query."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"


def _without_port(uri: str) -> tuple[str, str] | None:
    """Return the URI to the user's own device as its host and the rest; None for another URI."""
    found = _ON_DEVICE.fullmatch(uri)
    return (found[1], found[2]) if found else None
