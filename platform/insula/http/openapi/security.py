"""Credentials: one scheme for access tokens and API keys, since both can be sent as ``Authorization: Bearer``.

With a scheme for each, generated clients sent both headers, which the guard refuses.
"""

from typing import Final

from insula.callers import ApiKeys, TokenCallers
from insula.http.openapi.walk import Document, operations

TAKES_KEYS: Final = "x-insula-api-keys"
"""Marks an operation that API keys may call, in the document of an app that accepts keys."""

_TOKEN: Final = "An access token for this app, from `POST /auth/login`: short-lived, for at most one tenant."  # noqa: S105 - a description
_KEY: Final = (
    " Or a tenant's API key, from `POST /api/v1/api-keys`, for the operations that do not refuse keys; "
    "a key is also accepted in the header `X-API-Key`."
)
_TOKEN_OF_ALL: Final = (
    "An access token for the operation's app, from `POST /auth/login`, whose `resource` names the app."  # noqa: S105 - a description
)
_REFUSED: Final = "An API key is refused."


def describe_credentials(document: Document, *, accept_keys: bool) -> None:
    """Describe the scheme, and name it in each operation; public operations name none."""
    takes_keys = secured = False
    for _, operation in operations(document):
        ways = operation.get("security", [])
        if not ways:
            operation["security"] = []
            continue
        secured = True
        keys = accept_keys and any(ApiKeys.scheme in way for way in ways)
        scopes = dict.fromkeys(scope for way in ways for scope in next(iter(way.values())))
        others = [way for way in ways if not {ApiKeys.scheme, TokenCallers.scheme} & set(way)]
        operation["security"] = [{TokenCallers.scheme: list(scopes)}, *others]
        if keys:
            operation[TAKES_KEYS] = takes_keys = True
        elif accept_keys:
            operation["description"] = "\n\n".join(filter(None, (operation.get("description"), _REFUSED)))
    if secured:
        description = f"{_TOKEN}{_KEY if takes_keys else ''}"
        schemes = document["components"].setdefault("securitySchemes", {})
        schemes[TokenCallers.scheme] = {"type": "http", "scheme": "bearer", "description": description}


def describe_for_all_apps(schemes: Document) -> None:
    """Describe the scheme in a document of several apps, which each have their own access tokens."""
    schemes[TokenCallers.scheme] = {"type": "http", "scheme": "bearer", "description": f"{_TOKEN_OF_ALL}{_KEY}"}
