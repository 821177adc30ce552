"""The authorization server: Authlib's, with our clients, tokens and errors. One object serves one request.

Authlib's grants are synchronous. ``answer`` runs them in a greenlet, where ``await_only`` awaits: so a grant may read
the caches and the database as every other code does. Each step that writes is one unit of work, which is committed also
when the answer is an error: a replayed code or refresh token must end its session.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError, OAuth2Error
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from sqlalchemy.util import await_only, greenlet_spawn

from insula.audit import NO_ORIGIN, Origin
from insula.core.ids import TenantId, UserId
from insula.identity.credentials.id_tokens import IdTokens, SignIn
from insula.identity.credentials.tokens import IssuedTo, TokenIssuer
from insula.identity.oauth.authorizations import Authorizations, PendingCode
from insula.identity.oauth.clients import Client, FindClient, client_of
from insula.identity.oauth.front import ClientRefusedError, FormRequest, InvalidTargetError, Presented
from insula.identity.oauth.grants import CodeGrant, MachineGrant, Pkce, PresentedToken, RefreshGrant
from insula.identity.oauth.registration import Grant
from insula.identity.sessions.refresh_tokens import Bounds, OpenedSession

_NO_RESOURCE: Final = "Name one resource: the URI of the app that the token is for."
_OPENID: Final = "openid"

Admit = Callable[[UserId, str, TenantId | None], Awaitable[bool]]
"""Tells whether a user may sign in to an app and a tenant now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server: a status, a JSON object, and headers."""

    status: int
    body: Mapping[str, object]
    headers: Sequence[tuple[str, str]]


def refusal(error: OAuth2Error) -> Answer:
    """Return the answer for an error of OAuth, described even where Authlib does not."""
    status, body, headers = error()
    return Answer(status, {"error_description": "The server does not support this.", **body}, headers)


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib ships no types
    """A request that the strict front has read."""

    def __init__(self, request: FormRequest, endpoint: str) -> None:
        # The proxy may end TLS, and the settings refuse a public URL without it: Authlib must not check again.
        super().__init__("POST", f"https://authorization-server{endpoint}")
        self.payload = BasicOAuth2Payload(dict(request.parameters))
        self.presented = request.presented

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters."""
        data: Mapping[str, str] = self.payload.data
        return data


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of this installation that the server uses, the same for each request.

    ``machines`` are the audiences for which clients can get tokens for themselves; ``lifetime`` is that of access
    tokens, in seconds.
    """

    find_client: FindClient
    admit: Admit
    issuer: TokenIssuer
    id_tokens: IdTokens
    authorizations: Authorizations
    machines: frozenset[str]
    lifetime: int


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # as above
    """Authlib's server for one request of the token endpoint."""

    def __init__(self, parts: Parts, endpoint: str, origin: Origin = NO_ORIGIN) -> None:
        super().__init__()
        self._parts = parts
        self._endpoint = endpoint
        self._request: TokenRequest | None = None
        self.authorizations = parts.authorizations
        self.origin = origin
        self.register_grant(MachineGrant)
        self.register_grant(CodeGrant, [Pkce(required=True)])
        self.register_grant(RefreshGrant)
        self.register_token_generator(MachineGrant.GRANT_TYPE, self._machine_token)
        self.register_token_generator(CodeGrant.GRANT_TYPE, self._code_token)
        self.register_token_generator(RefreshGrant.GRANT_TYPE, self._refreshed_token)

    async def answer(self, request: FormRequest) -> Answer:
        """Return the answer of the token endpoint; an error of OAuth is an answer too."""
        if "grant_type" not in request.parameters:
            return refusal(InvalidRequestError("The parameter grant_type is missing."))
        answer: Answer = await greenlet_spawn(self.create_token_response, request)
        return answer

    def create_oauth2_request(self, request: FormRequest) -> TokenRequest:
        """Return Authlib's request."""
        self._request = TokenRequest(request, self._endpoint)
        return self._request

    def authenticate_client(self, request: TokenRequest, methods: Sequence[str], endpoint: str = "token") -> Client:
        """Return the client that the request authenticates, by one of the ``methods``.

        An unknown client, a wrong secret and a method that the client must not use get the same answer.
        """
        presented: Presented | None = request.presented
        client = self.query_client(presented.client_id) if presented is not None else None
        if presented is None or client is None or presented.method not in methods:
            raise ClientRefusedError
        if not client.check_endpoint_auth_method(presented.method, endpoint):
            raise ClientRefusedError
        if presented.secret is not None and not client.check_client_secret(presented.secret):
            raise ClientRefusedError
        request.auth_method = presented.method
        return client

    def query_client(self, client_id: str) -> Client | None:
        """Return the live client with this id, in its canonical spelling."""
        return client_of(self._parts.find_client, client_id)

    def validate_requested_scope(self, scope: str | None) -> None:  # noqa: ARG002  # Authlib's signature
        """Check the scopes of this request's client."""
        if self._request is not None:
            self.scopes_of(self._request)

    def scopes_of(self, request: TokenRequest) -> frozenset[str] | None:
        """Return the scopes of the token: the requested ones, or without any all of the client's.

        None stands for all that the user may do, for a client of the platform itself. Raises InvalidScopeError for a
        scope that the client does not have.
        """
        allowed: frozenset[str] | None = request.client.record.scopes
        wanted = request.payload.scope
        if wanted is None:
            return allowed
        scopes = frozenset(wanted.split(" "))
        if allowed is not None and not scopes <= allowed:
            raise InvalidScopeError("The client cannot have one of these scopes.")
        return scopes

    def resource_of(self, request: TokenRequest) -> str:
        """Return the audience of a machine's token (RFC 8707). Raises InvalidTargetError unless it is one known app."""
        resource = request.payload.data.get("resource")
        if resource not in self._parts.machines:
            raise InvalidTargetError(_NO_RESOURCE)
        return str(resource)

    def admit(self, user_id: UserId, resource: str, tenant_id: TenantId | None) -> None:
        """Raise InvalidGrantError unless the user may still sign in to the app and the tenant."""
        if not await_only(self._parts.admit(user_id, resource, tenant_id)):
            raise InvalidGrantError("The user has no access to the app or the tenant any more.")

    def _machine_token(self, *, client: Client, **_: Any) -> dict[str, object]:
        request, tenant_id = self._request, client.record.tenant_id
        scopes = self.scopes_of(request) if request is not None else None
        if request is None or tenant_id is None or scopes is None:
            raise ClientRefusedError
        token = await_only(
            self._parts.issuer.issue_to_machine(
                client_id=client.record.client_id,
                tenant_id=tenant_id,
                audience=self.resource_of(request),
                scopes=scopes,
            )
        )
        return self._body(token, scopes)

    def _code_token(self, *, client: Client, user: PendingCode, **_: Any) -> dict[str, object]:
        refreshing = Grant.REFRESH_TOKEN in client.record.grants
        opened = await_only(self.authorizations.redeem(user, refreshing=refreshing, origin=self.origin))
        if opened is None:
            raise InvalidGrantError("The code was used or has expired, or the user has signed out.")
        given = user.authorization
        return self._user_token(client, opened, given.tenant_id, user.authenticated_at, given.nonce)

    def _refreshed_token(self, *, client: Client, **_: Any) -> dict[str, object]:
        request = self._request
        presented: PresentedToken | None = request.refresh_token if request is not None else None
        if request is None or presented is None:
            raise InvalidGrantError
        wanted = request.payload.scope
        scopes = None if wanted is None else frozenset(wanted.split(" "))
        bounds = Bounds(client.record.client_id, None, scopes)
        opened = await_only(self.authorizations.exchange(presented.token, bounds, self.origin))
        if opened is None:
            raise InvalidGrantError("The refresh token is unknown, used or expired, or its session has ended.")
        holder = presented.holder
        return self._user_token(client, opened, holder.tenant_id, holder.authenticated_at)

    def _user_token(
        self,
        client: Client,
        opened: OpenedSession,
        tenant_id: TenantId | None,
        authenticated_at: datetime,
        nonce: str | None = None,
    ) -> dict[str, object]:
        scopes = opened.bounds.scopes
        token = await_only(
            self._parts.issuer.issue(
                user_id=opened.user_id,
                session_id=opened.session_id,
                audience=str(opened.bounds.resource),
                tenant_id=tenant_id,
                scopes=scopes,
                client=IssuedTo(client.get_client_id(), first_party=client.record.scopes is None),
            )
        )
        body = self._body(token, scopes)
        if opened.refresh_token:
            body["refresh_token"] = opened.refresh_token
        if scopes is not None and _OPENID in scopes:
            sign_in = SignIn(opened.user_id, opened.session_id, authenticated_at, nonce)
            body["id_token"] = await_only(self._parts.id_tokens.issue(client.record.client_id, sign_in))
        return body

    def _body(self, token: str, scopes: frozenset[str] | None) -> dict[str, object]:
        body: dict[str, object] = {"access_token": token, "token_type": "Bearer", "expires_in": self._parts.lifetime}
        return body if scopes is None else {**body, "scope": " ".join(sorted(scopes))}

    def save_token(self, token: Mapping[str, object], request: TokenRequest) -> None:
        """Save nothing: an access token is signed, and the generators have saved refresh tokens."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Send nothing: nobody listens to Authlib's signals."""

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Answer:  # noqa: ARG002  # as above
        """Return the answer for an error."""
        return refusal(error)

    def handle_response(self, status: int, body: Mapping[str, object], headers: Sequence[tuple[str, str]]) -> Answer:
        """Return the answer."""
        return Answer(status, body, headers)
