"""The authorization server: Authlib's, with our clients, tokens and errors. One object serves one request.

Authlib's grants are synchronous. ``TokenServer.answer`` runs them in a greenlet, where ``await_only`` awaits: so a
grant may read the caches and the database as every other code does. The server holds no session of the database yet,
since machines' tokens need none: a grant that writes rows needs the session of a unit of work, and a commit also when
the answer is an error.

Another grant is a class with ``GRANT_TYPE`` in ``GRANTS``; Authlib's own, such as ``AuthorizationCodeGrant``, fit. It
authenticates its client by ``authenticate_token_endpoint_client``, which comes here, and calls ``resource_of`` and
``scopes_of`` for the audience and the scopes. ``register_token_generator(GRANT_TYPE, ...)`` says how its tokens are
made. The clients come from the directory, which caches them (``Directory.oauth_client``); redirect URIs are compared
by ``Client.check_redirect_uri``.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol
from uuid import UUID

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientCredentialsGrant, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError, OAuth2Error, UnauthorizedClientError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from sqlalchemy.util import await_only, greenlet_spawn

from insula.core import clock
from insula.core.ids import TenantId
from insula.identity.credentials.tokens import TokenIssuer
from insula.identity.oauth.client_secrets import digest_of, is_well_formed
from insula.identity.oauth.front import ClientRefusedError, FormRequest, InvalidTargetError, Presented
from insula.identity.oauth.redirect_uris import is_registered
from insula.identity.oauth.registration import Grant

_LONGEST_ID: Final = 36
_NO_RESOURCE: Final = "Name one resource: the URI of the app that the token is for."


class ClientRecord(Protocol):
    """A live client, as the directory knows it."""

    @property
    def client_id(self) -> UUID:
        """Its id."""
        ...

    @property
    def tenant_id(self) -> TenantId | None:
        """Its tenant; None for a client of the platform itself."""
        ...

    @property
    def confidential(self) -> bool:
        """Whether it has a secret."""
        ...

    @property
    def redirect_uris(self) -> Sequence[str]:
        """Its registered redirect URIs."""
        ...

    @property
    def grants(self) -> frozenset[str]:
        """Its grants, by their names in OAuth."""
        ...

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes that its tokens can have; None for any."""
        ...

    def accepts(self, digest: bytes, now: float) -> bool:
        """Return whether a secret with this digest is valid at ``now``."""
        ...


FindClient = Callable[[UUID], Awaitable[ClientRecord | None]]
"""Finds a live client that may get tokens now."""


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


class Client(ClientMixin):  # type: ignore[misc]  # Authlib ships no types
    """A client as Authlib asks for it."""

    def __init__(self, record: ClientRecord) -> None:
        self.record = record

    def get_client_id(self) -> str:
        """Return its id."""
        return str(self.record.client_id)

    def get_default_redirect_uri(self) -> str | None:
        """Return none: every request names its redirect URI."""
        return None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether the redirect URI is registered."""
        return is_registered(redirect_uri, self.record.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        """Return whether the secret is the current one, or the previous one during the overlap."""
        return is_well_formed(client_secret) and self.record.accepts(digest_of(client_secret), clock.timestamp())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002  # Authlib's signature
        """Return whether the client may authenticate in this way: with its secret, or as a public client without."""
        return (method != "none") == self.record.confidential

    def check_response_type(self, response_type: str) -> bool:
        """Return whether the client may ask for this at the authorize step."""
        return response_type == "code" and Grant.AUTHORIZATION_CODE in self.record.grants

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client is registered for the grant."""
        return grant_type in self.record.grants

    def get_allowed_scope(self, scope: str) -> str:
        """Return the requested scopes. ``scopes_of`` has refused others, so nothing is left out silently."""
        return scope


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # as above
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


class MachineGrant(ClientCredentialsGrant):  # type: ignore[misc]  # as above
    """``client_credentials``: a tenant's confidential client gets a token for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post"]

    def validate_token_request(self) -> None:
        """Authenticate the client, then check its grant, the scopes and the resource."""
        super().validate_token_request()
        if self.request.client.record.tenant_id is None:
            raise UnauthorizedClientError("A client of the platform itself acts for users alone.")
        self.server.resource_of(self.request)


GRANTS: Final = (MachineGrant,)
"""The grants of the token endpoint."""


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # as above
    """Authlib's server for one request. ``resources`` are the audiences for which machines can get tokens."""

    def __init__(
        self, find_client: FindClient, issuer: TokenIssuer, resources: frozenset[str], lifetime: int, endpoint: str
    ) -> None:
        super().__init__()
        self._find_client = find_client
        self._issuer = issuer
        self._resources = resources
        self._lifetime = lifetime
        self._endpoint = endpoint
        self._request: TokenRequest | None = None
        for grant in GRANTS:
            self.register_grant(grant)
        self.register_token_generator(MachineGrant.GRANT_TYPE, self._machine_token)

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
        if len(client_id) != _LONGEST_ID:
            return None
        try:
            found = UUID(client_id)
        except ValueError:
            return None
        record = await_only(self._find_client(found)) if str(found) == client_id else None
        return Client(record) if record is not None else None

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
        """Return the audience of the token (RFC 8707). Raises InvalidTargetError unless it is one known app."""
        resource = request.payload.data.get("resource")
        if resource not in self._resources:
            raise InvalidTargetError(_NO_RESOURCE)
        return str(resource)

    def _machine_token(self, *, client: Client, **_: Any) -> dict[str, object]:
        request, tenant_id = self._request, client.record.tenant_id
        scopes = self.scopes_of(request) if request is not None else None
        if request is None or tenant_id is None or scopes is None:
            raise ClientRefusedError
        token = await_only(
            self._issuer.issue_to_machine(
                client_id=client.record.client_id,
                tenant_id=tenant_id,
                audience=self.resource_of(request),
                scopes=scopes,
            )
        )
        scope = " ".join(sorted(scopes))
        return {"access_token": token, "token_type": "Bearer", "expires_in": self._lifetime, "scope": scope}

    def save_token(self, token: Mapping[str, object], request: TokenRequest) -> None:
        """Save nothing: an access token is signed, and a machine has no other."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Send nothing: nobody listens to Authlib's signals."""

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Answer:  # noqa: ARG002  # as above
        """Return the answer for an error."""
        return refusal(error)

    def handle_response(self, status: int, body: Mapping[str, object], headers: Sequence[tuple[str, str]]) -> Answer:
        """Return the answer."""
        return Answer(status, body, headers)
