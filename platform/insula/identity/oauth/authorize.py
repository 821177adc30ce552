"""The authorize step: Authlib's check of a request, with our clients, scopes and PKCE, and the answers by redirect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError, OAuth2Error
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from sqlalchemy.util import greenlet_spawn

from insula.identity.credentials.claims import IDENTITY_SCOPES
from insula.identity.oauth.clients import Client, ClientRecord, FindClient, client_id_of, client_of
from insula.identity.oauth.front import AuthorizeQuery
from insula.identity.oauth.grants import CodeGrant, Pkce
from insula.identity.oauth.redirect_uris import is_registered, with_parameters

RESPONSE_MODES: Final = ("query", "form_post")
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_OPENID: Final = "openid"


class LoginRequiredError(OAuth2Error):  # type: ignore[misc]  # Authlib ships no types
    """OpenID Connect Core 3.1.2.6: the user must sign in, and the request forbids to ask."""

    error = "login_required"
    description = "The user is not signed in, or not recently enough."


class ConsentRequiredError(OAuth2Error):  # type: ignore[misc]  # as above
    """OpenID Connect Core 3.1.2.6: the user must agree, and the request forbids to ask."""

    error = "consent_required"
    description = "The user has not agreed to these scopes."


class ChoiceRequiredError(OAuth2Error):  # type: ignore[misc]  # as above
    """OpenID Connect Core 3.1.2.6: the user must choose a tenant, and the request forbids to ask."""

    error = "account_selection_required"
    description = "The user must choose an organisation."


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose client and redirect URI are known, so that errors can be sent there."""

    client: ClientRecord
    redirect_uri: str
    query: AuthorizeQuery

    @property
    def origin(self) -> str:
        """The origin of the redirect URI, to which the forms of the pages may lead."""
        found = urlsplit(self.redirect_uri)
        return f"{found.scheme}://{found.netloc}"

    @property
    def prompts(self) -> frozenset[str]:
        """The values of ``prompt``."""
        return frozenset(self.query.parameters.get("prompt", "").split())

    def answer(self, issuer: str, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the parameters of an answer: ``values``, the state as it was sent, and the issuer (RFC 9207)."""
        state = self.query.parameters.get("state")
        return {**values, **({"state": state} if state is not None else {}), "iss": issuer}

    def location(self, answer: Mapping[str, str]) -> str:
        """Return the redirect URI with the parameters of an answer."""
        return with_parameters(self.redirect_uri, answer)


async def asked(query: AuthorizeQuery, find_client: FindClient) -> Asked:
    """Return the request. Raises InvalidClientError and InvalidRequestError, which only a page may show."""
    client_id = client_id_of(query.parameters.get("client_id", ""))
    client = await find_client(client_id) if client_id is not None else None
    if client is None:
        raise InvalidClientError
    redirect_uri = query.parameters.get("redirect_uri", "")
    if not is_registered(redirect_uri, client.redirect_uris):
        raise InvalidRequestError
    return Asked(client, redirect_uri, query)


class AuthorizeServer(AuthorizationServer):  # type: ignore[misc]  # as above
    """Authlib's server for one request of the authorize endpoint. ``actions`` are all that there are."""

    def __init__(self, find_client: FindClient, actions: frozenset[str]) -> None:
        super().__init__()
        self._find_client = find_client
        self._actions = actions
        self._request: OAuth2Request | None = None
        self.register_grant(CodeGrant, [Pkce(required=True)])

    async def scopes_of(self, request: Asked) -> frozenset[str] | None:
        """Check the request, and return the scopes that it asks for; None for all that the user may do.

        Raises an OAuth2Error for the client.
        """
        if request.query.fault is not None:
            raise request.query.fault
        sent = request.query.parameters
        if sent.get("response_mode", RESPONSE_MODES[0]) not in RESPONSE_MODES:
            raise InvalidRequestError("The response_mode must be query or form_post.")
        prompts = request.prompts
        if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
            raise InvalidRequestError("The prompt is unknown, or none is not alone.")
        if not sent.get("max_age", "0").isdecimal():
            raise InvalidRequestError("The max_age must be a number of seconds.")
        if {"request", "request_uri"} & sent.keys():
            raise InvalidRequestError("Request objects are not supported.")
        checked = OAuth2Request("GET", "https://authorization-server/auth/authorize")
        checked.payload = BasicOAuth2Payload(dict(sent))
        self._request = checked
        await greenlet_spawn(self._check, checked)
        return _scopes(checked)

    def _check(self, request: OAuth2Request) -> None:
        self.get_authorization_grant(request).validate_authorization_request()

    def query_client(self, client_id: str) -> Client | None:
        """Return the live client with this id, in its canonical spelling."""
        return client_of(self._find_client, client_id)

    def validate_requested_scope(self, scope: str | None) -> None:  # noqa: ARG002  # Authlib's signature
        """Refuse scopes that there are not, or that the client cannot have."""
        request = self._request
        if request is None:
            return
        allowed = request.client.record.scopes
        wanted = _scopes(request)
        if wanted is not None and not wanted <= (self._actions if allowed is None else allowed) | IDENTITY_SCOPES:
            raise InvalidScopeError("The client cannot have one of these scopes.")

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Send nothing: nobody listens to Authlib's signals."""


def _scopes(request: OAuth2Request) -> frozenset[str] | None:
    """Return the scopes: the requested ones, or without any all of the client's."""
    wanted: str | None = request.payload.scope
    allowed: frozenset[str] | None = request.client.record.scopes
    return allowed if wanted is None else frozenset(wanted.split())
