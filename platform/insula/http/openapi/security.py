"""Credentials: one scheme for access tokens and API keys, since both can be sent as ``Authorization: Bearer``.

With a scheme for each, generated clients sent both headers, which the guard refuses. A second scheme says how an OAuth
client gets an access token; the token goes into the same header.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
_OAUTH: Final = "oauth"
_CODE: Final = "authorizationCode"
_CODE_FLOW: Final = (
    "An OAuth client gets an access token for a user, by authorization code with PKCE (S256). "
    "The authorize request names the `resource`, the URI of the app."
)


@dataclass(frozen=True, slots=True)
class OAuthFlow:
    """The endpoints of the authorization server, and the scopes of an app with their meanings."""

    authorize: str = ""
    token: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)


NO_FLOW: Final = OAuthFlow()
"""The flow of an app without scopes: its document has no scheme of OAuth."""


def describe_credentials(document: Document, *, accept_keys: bool, flow: OAuthFlow = NO_FLOW) -> None:
    """Describe the schemes, and name them in each operation; public operations name none."""
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
        by_flow = [{_OAUTH: list(scopes)}] if flow.scopes.keys() >= scopes.keys() and flow.scopes else []
        operation["security"] = [{TokenCallers.scheme: list(scopes)}, *by_flow, *others]
        if keys:
            operation[TAKES_KEYS] = takes_keys = True
        elif accept_keys:
            operation["description"] = "\n\n".join(filter(None, (operation.get("description"), _REFUSED)))
    if secured:
        description = f"{_TOKEN}{_KEY if takes_keys else ''}"
        schemes = document["components"].setdefault("securitySchemes", {})
        schemes[TokenCallers.scheme] = {"type": "http", "scheme": "bearer", "description": description}
        if flow.scopes:
            schemes[_OAUTH] = _scheme_of(flow)


def describe_for_all_apps(schemes: Document, parts: Iterable[Document]) -> None:
    """Describe the schemes in a document of several apps, which each have their own access tokens and scopes.

    ``parts`` are the schemes of each app.
    """
    schemes[TokenCallers.scheme] = {"type": "http", "scheme": "bearer", "description": f"{_TOKEN_OF_ALL}{_KEY}"}
    flows = [part[_OAUTH]["flows"][_CODE] for part in parts if _OAUTH in part]
    if flows:
        scopes = {code: meaning for flow in flows for code, meaning in flow["scopes"].items()}
        schemes[_OAUTH] = _scheme_of(OAuthFlow(flows[0]["authorizationUrl"], flows[0]["tokenUrl"], scopes))


def _scheme_of(flow: OAuthFlow) -> Document:
    code = {"authorizationUrl": flow.authorize, "tokenUrl": flow.token, "scopes": dict(sorted(flow.scopes.items()))}
    return {"type": "oauth2", "description": _CODE_FLOW, "flows": {_CODE: code}}
